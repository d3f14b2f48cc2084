#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "drivers/sqlite/database.h"
#include "patient_http/service.h"
#include "support/temporary_folder.h"
#include "support/test_http_server.h"

namespace patient_http::test {

// What a callback, or a hook, was given.
struct CallbackCall {
  std::string name;
  std::string request_id;
  std::optional<Response> response = std::nullopt;
  std::optional<Error> error = std::nullopt;
};

// Keeps what callbacks were given, and lets tests wait for it.
class CallbackJournal {
 public:
  // Called within each callback, after it was noted: it may throw and block.
  std::function<void(const CallbackCall&)> then = [](const CallbackCall&) {};

  void note(CallbackCall call) {
    {
      std::lock_guard lock(mutex_);
      calls_.push_back(call);
    }
    changed_.notify_all();
    then(call);
  }

  // What came so far, after waiting until it is `count` or more. Fewer after 30 seconds.
  std::vector<CallbackCall> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(30), [&] { return calls_.size() >= count; });
    return calls_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<CallbackCall> calls_;
};

// Notes what it is given under its name.
class JournalCallback final : public Callback {
 public:
  JournalCallback(CallbackJournal& journal, std::string name)
      : journal_(journal), name_(std::move(name)) {}

  void on_complete(const Response& response) override {
    journal_.note({.name = name_, .request_id = response.request_id(), .response = response});
  }
  void on_error(const Error& error) override {
    journal_.note({.name = name_, .request_id = error.request_id(), .error = error});
  }

 private:
  CallbackJournal& journal_;
  const std::string name_;
};

// Lines that a Log was given.
class LogLines {
 public:
  [[nodiscard]] Log log() {
    return Log(
        [this](LogLevel, std::string_view line) {
          std::lock_guard lock(mutex_);
          lines_ += std::string(line) + "\n";
        },
        LogLevel::kDebug);
  }
  [[nodiscard]] std::string text() const {
    std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::string lines_;
};

// Services on one database, with a callback "Note" that notes what it is given.
class ServiceFixture : public testing::Test {
 protected:
  [[nodiscard]] Configuration configuration() {
    Configuration configuration;
    configuration.database = database_path();
    configuration.survives_power_cuts = false;
    configuration.processor.retries = 0;
    configuration.log = log_.log();
    configuration.register_callback(
        "Note", [this] { return std::make_unique<JournalCallback>(journal_, "Note"); });
    return configuration;
  }

  [[nodiscard]] static std::unique_ptr<Service> open(Configuration configuration) {
    auto service = Service::open(std::move(configuration));
    if (!service) throw std::runtime_error(service.error().message);
    return std::move(*service);
  }
  [[nodiscard]] std::unique_ptr<Service> open() { return open(configuration()); }

  [[nodiscard]] std::string database_path() const { return folder_.file("jobs.db"); }

  // Runs a statement beside the service, to make time pass or to see what nobody shows.
  std::optional<std::int64_t> sql(const std::string& statement) {
    auto database = sqlite::Database::open({.path = database_path()});
    if (!database) throw std::runtime_error(database.error().message);
    const auto value = database->integer(statement);
    if (!value) throw std::runtime_error(value.error().message);
    return *value;
  }
  // What waits for its next try, or for its time, need not wait any longer.
  void let_time_pass() {
    sql("UPDATE callbacks_schedule SET due = job");
    sql("UPDATE schedule SET due = job");
  }

  // Waits until `is_so`; false after 30 seconds. There is no signal for what a store holds.
  static bool eventually(const std::function<bool()>& is_so) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!is_so()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      // A pause between two looks, as there is nothing to wait for.
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
  }
  static bool eventually(Service& service, const std::function<bool(const JobCounts&)>& is_so) {
    return eventually([&] { return is_so(service.status().value().jobs); });
  }

  TestHttpServer server_;
  TemporaryFolder folder_;
  LogLines log_;
  CallbackJournal journal_;
};

}  // namespace patient_http::test
