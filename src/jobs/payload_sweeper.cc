#include "jobs/payload_sweeper.h"

#include <pthread.h>

#include <vector>

namespace patient_http::jobs {

namespace {

using namespace std::chrono_literals;

constexpr auto kSweepEvery = 1s;
constexpr int kSweepsPerKeep = 3;
constexpr std::size_t kPage = 100;

}  // namespace

void PayloadSweeper::start() {
  if (thread_.joinable()) return;
  {
    base::MutexLock lock(mutex_);
    stopping_ = false;
  }
  thread_ = std::thread([this] { run(); });
}

void PayloadSweeper::stop() {
  if (!thread_.joinable()) return;
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void PayloadSweeper::run() {
  pthread_setname_np(pthread_self(), "ph-sweeper");
  bool is_last = false;
  for (int round = 0;; ++round) {
    if (round % kSweepsPerKeep == 0 && !is_last) keeper_.keep(std::chrono::system_clock::now());
    sweep();
    if (is_last) return;
    const auto until = std::chrono::steady_clock::now() + kSweepEvery;
    base::MutexLock lock(mutex_);
    while (!stopping_ && changed_.wait_until(mutex_, until)) {
    }
    is_last = stopping_;
  }
}

void PayloadSweeper::sweep() {
  std::string after;
  do {
    after = sweep_page(after);
  } while (!after.empty());
}

std::string PayloadSweeper::sweep_page(const std::string& after) {
  const auto unneeded = store_.unneeded_payloads(kPage, after);
  if (!unneeded) {
    report("", "look for payloads that nobody needs: " + unneeded.error().message);
    return {};
  }
  std::vector<std::string> removed;
  for (const std::string& text : *unneeded) {
    const auto reference = payload::PayloadReference::parse(text);
    if (!reference) continue;
    if (const auto done = storage_.remove(*reference); done) {
      removed.push_back(text);
      reported_.erase(reference->store());
    } else {
      report(reference->store(),
             "remove the payload " + text + ": " + done.error().message + "; it is tried again");
    }
  }
  if (!removed.empty()) {
    if (const auto done = store_.forget_payloads(removed); !done)
      report("", "forget payloads: " + done.error().message);
  }
  return unneeded->size() == kPage ? unneeded->back() : std::string();
}

void PayloadSweeper::report(const std::string& place, const std::string& message) {
  if (reported_.insert(place).second) log_.warn(message);
}

}  // namespace patient_http::jobs
