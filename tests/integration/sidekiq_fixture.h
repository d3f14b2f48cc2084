#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "patient_http/json.h"
#include "support/checkout.h"
#include "support/program.h"
#include "support/temporary_folder.h"
#include "support/test_http_server.h"
#include "support/test_redis.h"

namespace patient_http::test {

// A Redis, a Ruby process that speaks for the application with Sidekiq's client and API
// (tests/interop/drive_sidekiq.rb), `patient-http serve`, and real Sidekiq for the callbacks.
class SidekiqFixture : public testing::Test {
 protected:
  static constexpr const char* kKey = "a key of the application";
  static constexpr const char* kQueue = "patient_http_requests";

  SidekiqFixture() {
    ::setenv("REDIS_URL", redis_.url().c_str(), 1);
    ::setenv("PAYLOAD_FOLDER", folder_.file("payloads").c_str(), 1);
    ::setenv("ENCRYPTION_KEY", kKey, 1);
    ::setenv("RUBYOPT", "-W0", 1);
    ruby_ = std::make_unique<Program>("/usr/bin/ruby",
                                      std::vector<std::string>{script("drive_sidekiq.rb")},
                                      Program::Options{.pipes_input = true, .pipes_output = true});
  }

  static std::string script(const std::string& name) {
    return std::string(PATIENT_HTTP_SOURCE_DIR) + "/tests/interop/" + name;
  }

  // Has Ruby do something, and gives its answer.
  Json ruby(const Json& command) {
    ruby_->write(command.dump() + "\n");
    auto answer = Json::parse(ruby_->read_line());
    if (!answer) throw std::runtime_error("Ruby does not answer: " + ruby_->errors());
    if (const Json* error = answer->find("error")) throw std::runtime_error(error->dump());
    return *answer->find("answer");
  }

  // Pushes a request job as the gem does, and gives its jid.
  std::string push(const Json& data, const std::string& id, Json more = Json::object({}),
                   const std::string& callback = "Done", Json raises = {},
                   const std::string& queue = kQueue) {
    const Json args = Json::array(
        {data, Json(callback), std::move(raises), Json::object({{"id", Json(id)}}), Json(id)});
    const Json answer = ruby(Json::object(
        {{"do", Json("push")}, {"queue", Json(queue)}, {"args", args}, {"more", std::move(more)}}));
    return *answer.if_string();
  }

  static Json get(const std::string& url, const std::string& extra = "") {
    return *Json::parse(R"({"http_method":"get","url":")" + url +
                        R"(","headers":{},"body":null,"timeout":null,"max_redirects":null)" +
                        extra + "}");
  }

  void start_service(std::vector<std::string> arguments = {}) {
    std::vector<std::string> all = {"serve", "--redis", redis_.url()};
    all.insert(all.end(), arguments.begin(), arguments.end());
    service_ = std::make_unique<Program>("patient-http", all);
  }

  // Real Sidekiq, that runs callbacks, and whatever else is in its queues.
  void start_sidekiq(const std::vector<std::string>& queues) {
    std::vector<std::string> arguments = {"-r", script("patient_http_app.rb"), "-c", "3"};
    for (const std::string& queue : queues) {
      arguments.emplace_back("-q");
      arguments.push_back(queue);
    }
    sidekiq_ = std::make_unique<Program>("/usr/bin/sidekiq", arguments);
  }

  // Waits until so many callbacks have run, and gives what they saw, by request id.
  std::map<std::string, Json> results(std::size_t count) {
    EXPECT_TRUE(wait_until([&] {
      return redis_.command({"LLEN", "interop:results"}).integer() >=
             static_cast<std::int64_t>(count);
    })) << (service_ ? service_->errors() : "")
        << (sidekiq_ ? sidekiq_->output() + sidekiq_->errors() : "");
    std::map<std::string, Json> found;
    const auto notes = redis_.command({"LRANGE", "interop:results", "0", "-1"});
    for (const auto& note : notes.array()) {
      Json json = *Json::parse(note.text());
      const Json& result = *json.find("result");
      const Json* response = result.find("response");
      const Json& holder = response != nullptr ? *response : result;
      const std::string id = *holder.find("request_id")->if_string();
      EXPECT_TRUE(found.emplace(id, std::move(json)).second) << id << " came twice";
    }
    return found;
  }

  static std::string text(const Json& json, const std::string& key) {
    const Json* const value = json.find(key);
    const std::string* const found = value != nullptr ? value->if_string() : nullptr;
    return found != nullptr ? *found : std::string();
  }

  TemporaryFolder folder_;
  TestRedis redis_;
  TestHttpServer server_;
  std::unique_ptr<Program> ruby_;
  std::unique_ptr<Program> service_;
  std::unique_ptr<Program> sidekiq_;
};

}  // namespace patient_http::test
