// Three services share a Redis and a slow target, while they are killed and stopped, and Redis is
// killed, paused and cut off. At the end each request has exactly one callback job, nothing is
// claimed, and what was sent twice had been taken from a process that was dead, or seemed so.
//
// A short run is part of the suite; scripts/chaos makes long ones: CHAOS_SECONDS.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <thread>

#include "patient_http/json.h"
#include "support/program.h"
#include "support/redis_proxy.h"
#include "support/temporary_folder.h"
#include "support/test_redis.h"

namespace patient_http::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr int kServices = 3;
constexpr const char* kQueue = "queue:patient_http_requests";
constexpr const char* kCallbacks = "queue:default";

int setting(const char* name, int fallback) {
  const char* const text = std::getenv(name);
  return text != nullptr ? std::atoi(text) : fallback;
}

// A service behind a proxy of its own. Dead ones are kept, for what they logged.
struct Victim {
  std::unique_ptr<RedisProxy> proxy;
  std::unique_ptr<Program> program;
  steady_clock::time_point resume_at{};  // when stopped
};

class Chaos {
 public:
  explicit Chaos(unsigned seed)
      : random_(seed),
        redis_(
            {.keeps_data = true, .arguments = {"--appendonly", "yes", "--appendfsync", "always"}}),
        target_("slow-server",
                {"--delay", "0.02", "--jitter", "0.6", "--log", folder_.file("sent")},
                {.pipes_output = true}) {
    const std::string line = target_.read_line();
    url_ = line.substr(line.rfind(' ') + 1);
    for (Victim& victim : victims_) {
      victim.proxy = std::make_unique<RedisProxy>(redis_);
      start(victim);
    }
  }

  void run(seconds time) {
    const auto end = steady_clock::now() + time;
    while (steady_clock::now() < end) {
      push(20 + pick(60));
      if (pick(2) == 0) strike();
      look_after_the_stopped(false);
      look_after_those_that_could_not_start();
      // The load is spread over the run: this is its pace, nothing is waited for.
      std::this_thread::sleep_for(milliseconds(100));
    }
  }

  // Ends all violence, and waits until everything has come to its end.
  [[nodiscard]] bool settle() {
    look_after_the_stopped(true);
    for (Victim& victim : victims_) victim.proxy->pass();
    const auto until = steady_clock::now() + seconds(120);
    while (steady_clock::now() < until) {
      look_after_those_that_could_not_start();
      if (size_of(kCallbacks) >= pushed_ && size_of(kQueue) == 0 && claims().empty()) return true;
      std::this_thread::sleep_for(milliseconds(100));  // asks again and again, as wait_until() does
    }
    return false;
  }

  void check() {
    std::map<std::string, int> callbacks;
    const auto jobs = redis_.command({"LRANGE", kCallbacks, "0", "-1"});
    for (const auto& job : jobs.array()) ++callbacks[request_id_of(std::string(job.text()))];
    std::map<std::string, int> sends;
    for (const std::string& line : lines_of(read_file(folder_.file("sent"))))
      ++sends[line.substr(0, line.find(' '))];
    int lost = 0;
    int doubled = 0;
    int sent_again = 0;
    for (int i = 0; i < pushed_; ++i) {
      const std::string id = "request-" + std::to_string(i);
      if (callbacks[id] == 0) ++lost;
      if (callbacks[id] > 1) doubled += callbacks[id] - 1;
      if (sends[id] > 1) sent_again += sends[id] - 1;
    }
    const int rescued = rescued_in_logs();
    std::cout << "chaos: " << pushed_ << " requests, " << strikes_ << " strikes; lost " << lost
              << ", doubled " << doubled << ", sent again " << sent_again << ", rescued " << rescued
              << "\n";
    EXPECT_EQ(lost, 0);
    EXPECT_EQ(doubled, 0);
    EXPECT_LE(sent_again, rescued);
    EXPECT_EQ(static_cast<int>(callbacks.size()), pushed_);
    EXPECT_TRUE(claims().empty());
    EXPECT_EQ(redis_.command({"EXISTS", "sidekiq:patient_http:inflight_index"}).integer(), 0);
    EXPECT_EQ(redis_.command({"EXISTS", "sidekiq:patient_http:inflight_jobs"}).integer(), 0);
    EXPECT_EQ(redis_.command({"ZCARD", "dead"}).integer(), 0);
    for (Victim& victim : victims_) {
      victim.program->signal(SIGTERM);
      EXPECT_EQ(victim.program->wait(), 0) << victim.program->errors();
    }
  }

  [[nodiscard]] std::string logs() const {
    std::string all;
    for (const auto& program : dead_) all += program->errors() + "----\n";
    for (const Victim& victim : victims_) all += victim.program->errors() + "----\n";
    return all;
  }

 private:
  int pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }

  void start(Victim& victim) {
    victim.program = std::make_unique<Program>(
        "patient-http",
        std::vector<std::string>{"serve", "--redis", victim.proxy->url(), "--max-connections",
                                 "150", "--redis-lease", "4", "--redis-command-timeout", "1",
                                 "--shutdown-timeout", "5", "--poison-rescues", "0"});
  }

  // As Sidekiq's client does, past the proxies; Redis may be away, then it comes later.
  void push(int count) {
    for (int i = 0; i < count; ++i) {
      const std::string id = "request-" + std::to_string(pushed_);
      const std::string job =
          R"({"retry":true,"queue":"patient_http_requests","args":[{"http_method":"get","url":")" +
          url_ +
          R"(/x","headers":{},"body":null,"timeout":20,"max_redirects":null},"Done",null,null,")" +
          id + R"("],"class":"PatientHttp::Sidekiq::RequestWorker","jid":"jid-)" + id +
          R"(","created_at":1.5,"enqueued_at":1.5})";
      redis_.command({"LPUSH", kQueue, job});
      ++pushed_;
    }
  }

  void strike() {
    ++strikes_;
    Victim& victim = victims_[static_cast<std::size_t>(pick(kServices))];
    switch (pick(8)) {
      case 0:
        victim.program->signal(SIGKILL);
        victim.program->wait();
        dead_.push_back(std::move(victim.program));
        victim.resume_at = {};
        start(victim);
        break;
      case 1:
        if (victim.resume_at != steady_clock::time_point{}) break;
        victim.program->signal(SIGSTOP);
        victim.resume_at = steady_clock::now() + milliseconds(500 + pick(6500));
        break;
      case 2:
        redis_.kill();
        redis_.restart();
        break;
      case 3:
        redis_.pause();
        std::this_thread::sleep_for(milliseconds(200 + pick(1500)));  // how long it is away
        redis_.resume();
        break;
      case 4:
        victim.proxy->cut();
        break;
      case 5:
        victim.proxy->delay(milliseconds(pick(300)));
        break;
      case 6:
        victim.proxy->swallow_next_reply();
        break;
      case 7:
        victim.proxy->swallow_replies();
        std::this_thread::sleep_for(milliseconds(pick(1500)));  // how long it does so
        victim.proxy->cut();
        victim.proxy->pass();
        break;
    }
  }

  // As systemd does it. A service that cannot reach its store ends with 3; nothing else may end
  // one.
  void look_after_those_that_could_not_start() {
    for (Victim& victim : victims_) {
      if (!victim.program->has_ended()) continue;
      EXPECT_EQ(victim.program->wait(), 3) << victim.program->errors();
      dead_.push_back(std::move(victim.program));
      start(victim);
    }
  }

  void look_after_the_stopped(bool all) {
    for (Victim& victim : victims_) {
      if (victim.resume_at == steady_clock::time_point{}) continue;
      if (!all && steady_clock::now() < victim.resume_at) continue;
      victim.program->signal(SIGCONT);
      victim.resume_at = {};
    }
  }

  [[nodiscard]] std::int64_t size_of(const char* key) {
    return redis_.command({"LLEN", key}).integer();
  }
  [[nodiscard]] std::vector<std::string> claims() {
    std::vector<std::string> found;
    const auto keys = redis_.command({"KEYS", "patient_http:claim*"});
    for (const auto& key : keys.array()) found.emplace_back(key.text());
    return found;
  }
  [[nodiscard]] static std::string request_id_of(const std::string& job) {
    const auto json = Json::parse(job);
    const Json& args = *json->find("args");
    const Json* const id = args.if_array()->front().find("request_id");
    return id != nullptr ? *id->if_string() : "";
  }
  // Of all the lines "process P is dead: N requests…".
  [[nodiscard]] int rescued_in_logs() const {
    constexpr std::string_view kBeforeTheCount = " is dead: ";
    const std::string all = logs();
    int sum = 0;
    for (auto at = all.find(kBeforeTheCount); at != std::string::npos;
         at = all.find(kBeforeTheCount, at)) {
      at += kBeforeTheCount.size();
      sum += std::stoi(all.substr(at));
    }
    return sum;
  }

  std::mt19937 random_;
  TemporaryFolder folder_;
  TestRedis redis_;
  Program target_;
  std::string url_;
  std::array<Victim, kServices> victims_;
  std::vector<std::unique_ptr<Program>> dead_;
  int pushed_ = 0;
  int strikes_ = 0;
};

TEST(ChaosTest, EveryRequestHasExactlyOneCallback) {
  const auto seed = static_cast<unsigned>(setting("CHAOS_SEED", 1));
  Chaos chaos(seed);
  chaos.run(seconds(setting("CHAOS_SECONDS", 15)));
  EXPECT_TRUE(chaos.settle());
  chaos.check();
  if (HasFailure()) std::cout << "seed " << seed << "\n" << chaos.logs();
}

}  // namespace
}  // namespace patient_http::test
