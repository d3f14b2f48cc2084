#pragma once

#include <algorithm>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/sqlite/database.h"
#include "jobs/request_job.h"
#include "jobs/sqlite_job_store.h"
#include "patient_http/file_payload_store.h"
#include "service/service_fixture.h"
#include "support/program.h"

namespace patient_http::test {

// Services that keep what is larger than 200 bytes in files. The server's "/echo" sends bodies
// back.
class PayloadFixture : public ServiceFixture {
 protected:
  static constexpr std::size_t kThreshold = 200;
  // Text stays readable in a job.
  static constexpr const char* kText = "content-type: text/plain\r\n";

  PayloadFixture() {
    server_.on("/echo", [](const ReceivedRequest& request, ServerConnection& connection) {
      connection.send(TestHttpServer::response(200, request.body, kText));
    });
  }

  // With the store of files under the name "files".
  [[nodiscard]] Configuration configuration() {
    Configuration configuration = without_stores();
    configuration.register_payload_store("files", file_store("payloads"));
    return configuration;
  }
  [[nodiscard]] Configuration without_stores() {
    Configuration configuration = ServiceFixture::configuration();
    configuration.payloads.threshold = kThreshold;
    return configuration;
  }
  using ServiceFixture::open;
  [[nodiscard]] std::unique_ptr<Service> open() { return open(configuration()); }

  [[nodiscard]] std::shared_ptr<PayloadStore> file_store(const std::string& folder) const {
    auto store = FilePayloadStore::open(folder_.file(folder));
    if (!store) throw std::runtime_error(store.error().message);
    return std::move(*store);
  }

  // A body that is kept elsewhere, and is like no other.
  [[nodiscard]] static std::string large(const std::string& name) {
    return name + ":" + std::string(1000, 'x') + ":" + name;
  }

  [[nodiscard]] Result<std::string, SubmitFailure> post(Service& service, const std::string& path,
                                                        const std::string& body,
                                                        const std::string& id = {}) {
    return service.client().post(server_.url(path),
                                 {.headers = {{"content-type", "text/plain"}}, .body = body},
                                 {.callback = "Note", .request_id = id});
  }

  // Paths of the payloads in a folder.
  [[nodiscard]] std::vector<std::string> files(const std::string& folder = "payloads") const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.file(folder))) {
      found.push_back(entry.path().string());
    }
    return found;
  }
  [[nodiscard]] bool becomes_empty(const std::string& folder = "payloads") {
    return eventually([&] { return files(folder).empty() && unswept() == 0; });
  }
  [[nodiscard]] std::int64_t unswept() { return *sql("SELECT count(*) FROM stored_payloads"); }

  // The first column of all rows.
  [[nodiscard]] std::vector<std::string> rows(const std::string& statement) const {
    auto database = sqlite::Database::open({.path = database_path()});
    if (!database) throw std::runtime_error(database.error().message);
    std::vector<std::string> found;
    sqlite::Statement query = database->statement(statement);
    for (;;) {
      const auto row = query.step();
      if (!row) throw std::runtime_error(row.error().message);
      if (!*row) return found;
      found.emplace_back(query.text(0));
    }
  }
  // The bytes of every job, whatever its state.
  [[nodiscard]] std::vector<std::string> jobs() const { return rows("SELECT bytes FROM payloads"); }

  // Puts a job into the store beside the service, as another program would.
  void push_raw(const std::string& jid, const std::string& bytes,
                const std::optional<std::string>& payload = std::nullopt) {
    const auto store = jobs::SqliteJobStore::open({.path = database_path()});
    if (!store) throw std::runtime_error(store.error().message);
    if (payload) {
      const std::vector announced = {*payload};
      if (!(*store)->announce_payloads(announced)) throw std::runtime_error("announce");
    }
    const std::vector<jobs::NewJob> job = {{.jid = jid, .bytes = bytes, .payload = payload}};
    if (const auto pushed = (*store)->push(job, {}); !pushed)
      throw std::runtime_error(pushed.error().message);
  }
  // The bytes of a job with this in the place of its request, that is tried `retries` times more.
  [[nodiscard]] static std::string raw_job(const std::string& data, const std::string& jid,
                                           int retries) {
    std::string bytes = jobs::make_request_job(data, {.jid = jid, .callback = "Note"});
    const std::string default_retry = "\"retry\":true";
    return bytes.replace(bytes.find(default_retry), default_retry.size(),
                         "\"retry\":" + std::to_string(retries));
  }

  [[nodiscard]] static std::size_t count_of(const std::string& part, const std::string& text) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
      ++count;
    }
    return count;
  }
};

}  // namespace patient_http::test
