#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "jobs/callback_job.h"
#include "jobs/request_job.h"
#include "jobs/sqlite_job_store.h"
#include "service/service_fixture.h"
#include "service/service_parts.h"

namespace patient_http::test {

// ServiceParts without callback threads, and other processes on the same file.
class PartsFixture : public ServiceFixture {
 protected:
  [[nodiscard]] Configuration parts_configuration() {
    Configuration configured = configuration();
    configured.callbacks.threads = 0;  // the tests look at what waits for a callback
    return configured;
  }

  [[nodiscard]] static std::unique_ptr<ServiceParts> open_parts(Configuration configuration) {
    auto parts = ServiceParts::open(std::move(configuration));
    if (!parts) throw std::runtime_error(parts.error().message);
    return std::move(*parts);
  }

  // Another process. It dies when it is destroyed: what it has claimed stays claimed.
  [[nodiscard]] std::unique_ptr<jobs::SqliteJobStore> join() const {
    auto store = jobs::SqliteJobStore::open(
        {.path = database_path(), .durability = jobs::SqliteJobStoreOptions::Durability::kNormal});
    if (!store) throw std::runtime_error(store.error().message);
    return std::move(*store);
  }

  void push_request(jobs::JobStore& store, const std::string& id, const std::string& path) {
    const std::vector<jobs::NewJob> job = {
        {id, jobs::make_request_job(Request::create({.url = server_.url(path)}).value(),
                                    {.jid = id, .request_id = id, .callback = "Note"})}};
    ASSERT_TRUE(store.push(job, {}).has_value());
  }

  // Processes claim everything and die, `times` after each other, each with `suspect` noted.
  void let_processes_die(int times, const std::string& suspect = {}) {
    for (int i = 0; i < times; ++i) {
      const auto victim = join();
      static_cast<void>(victim->rescue(std::chrono::system_clock::now()));
      const auto claims = victim->claim(100).value();
      for (const jobs::Claim& claim : claims) {
        if (claim.jid != suspect) continue;
        EXPECT_TRUE(victim->start_suspect(claim.id).has_value());
      }
      static_cast<void>(victim->claim_callbacks(100));
    }
  }

  // Waits for that many callback jobs.
  static std::vector<jobs::CallbackJob> callbacks(ServiceParts& parts, std::size_t count) {
    std::vector<jobs::CallbackJob> found;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (found.size() < count && std::chrono::steady_clock::now() < deadline) {
      const auto claims = parts.store().claim_callbacks(100).value();
      for (const auto& claim : claims)
        found.push_back(jobs::parse_callback_job(claim.bytes, parts.opener()).value());
      if (found.size() < count) static_cast<void>(parts.store().wait_for_callbacks(deadline));
    }
    return found;
  }

  [[nodiscard]] std::vector<std::string> sent_paths() const {
    std::vector<std::string> paths;
    for (const ReceivedRequest& request : server_.requests()) paths.push_back(request.target);
    return paths;
  }
};

}  // namespace patient_http::test
