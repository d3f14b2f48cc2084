#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "jobs/job_store_conformance.h"
#include "jobs/redis_job_store.h"
#include "support/test_redis.h"

// A real server with an empty database for each test, and Ruby's part played by plain commands.
namespace patient_http::jobs {

inline constexpr const char* kIndex = "sidekiq:patient_http:inflight_index";
inline constexpr const char* kRegistry = "sidekiq:patient_http:inflight_jobs";

// One server for all tests of this program: each begins with an empty database.
inline test::TestRedis& server() {
  static test::TestRedis redis;
  return redis;
}

inline std::string text(std::initializer_list<std::string_view> command) {
  return std::string(server().command(command).text());
}
inline std::int64_t integer(std::initializer_list<std::string_view> command) {
  return server().command(command).integer();
}
inline std::vector<std::string> list(std::initializer_list<std::string_view> command) {
  std::vector<std::string> found;
  const auto reply = server().command(command);
  for (const auto& one : reply.array()) found.emplace_back(one.text());
  return found;
}

// Ends a lease, as time does when a process no longer renews it.
inline void end_lease(const std::string& process) {
  ASSERT_EQ(integer({"DEL", "patient_http:lease:" + process}), 1);
}

inline RedisJobStoreOptions options_of(const std::string& url) {
  RedisJobStoreOptions options;
  options.redis.url = url;
  options.trust_after = std::chrono::milliseconds(0);
  return options;
}

// A job of another class that mentions ours.
inline std::string foreign(const std::string& jid) {
  return R"({"class":"HardJob","args":["PatientHttp::Sidekiq::RequestWorker"],"jid":")" + jid +
         "\"}";
}

class RedisJobStoreTest : public testing::Test {
 protected:
  RedisJobStoreTest() { server().command({"FLUSHALL"}); }

  std::unique_ptr<RedisJobStore> open(RedisJobStoreOptions options) {
    options.log = Log([this](LogLevel, std::string_view message) {
      const std::lock_guard lock(mutex_);
      log_ += std::string(message) + "\n";
    });
    return conformance::must(RedisJobStore::open(options));
  }
  std::unique_ptr<RedisJobStore> open() { return open(options_of(server().url())); }

  // As a Ruby process pushes it.
  static void push_from_ruby(const std::string& bytes,
                             const std::string& queue = "patient_http_requests") {
    server().command({"SADD", "queues", queue});
    server().command({"LPUSH", "queue:" + queue, bytes});
  }
  static std::vector<std::string> queue(const std::string& name) {
    return list({"LRANGE", "queue:" + name, "0", "-1"});
  }
  std::string log() {
    const std::lock_guard lock(mutex_);
    return log_;
  }

 private:
  std::mutex mutex_;
  std::string log_;
};

}  // namespace patient_http::jobs
