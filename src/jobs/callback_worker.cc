#include "jobs/callback_worker.h"

#include <pthread.h>

#include <array>
#include <exception>
#include <iterator>
#include <utility>

#include "base/random.h"
#include "jobs/user_exception.h"

namespace patient_http::jobs {

namespace {

using std::chrono::steady_clock;
using std::chrono::system_clock;
using namespace std::chrono_literals;

// How long a wait lasts at most before the thread looks around.
constexpr auto kLongestWait = 1s;
constexpr auto kReportEvery = 10s;
// Others run beside a callback, and are rescued with it: they get some tries more than a request.
constexpr int kMoreRescues = 3;

thread_local bool t_is_callback_thread = false;

}  // namespace

bool CallbackWorker::is_callback_thread() {
  return t_is_callback_thread;
}

CallbackWorker::CallbackWorker(JobStore& store, const JobOpener& opener,
                               const CallbackRunner& runner, StorePatience& patience,
                               std::size_t threads, int poison_rescues, Log log)
    : store_(store),
      opener_(opener),
      runner_(runner),
      patience_(patience),
      thread_count_(threads),
      poison_rescues_(poison_rescues),
      log_(std::move(log)) {}

void CallbackWorker::start() {
  if (!threads_.empty()) return;
  std::vector<std::string> unsettled;
  {
    base::MutexLock lock(mutex_);
    stopping_ = false;
    unsettled.swap(unsettled_);
  }
  // Once only: a start does not wait for a store that is down.
  keep_unless(unsettled.empty() ? Released() : store_.release_callbacks(unsettled), unsettled);
  for (std::size_t i = 0; i < thread_count_; ++i) threads_.emplace_back([this] { run(); });
}

void CallbackWorker::stop() {
  if (threads_.empty()) return;
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  store_.wake();
  wait_for_running();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  release_fetched();
}

void CallbackWorker::wait_for_running() {
  base::MutexLock lock(mutex_);
  auto report_at = steady_clock::now() + kReportEvery;
  while (running_ > 0) {
    if (changed_.wait_until(mutex_, report_at)) continue;
    log_.warn("the stop waits for " + std::to_string(running_) + " callbacks that still run");
    report_at += kReportEvery;
  }
}

void CallbackWorker::release_fetched() {
  std::vector<std::string> ids;
  {
    base::MutexLock lock(mutex_);
    ids.swap(unread_);
    for (const CallbackClaim& claim : fetched_) ids.push_back(claim.id);
    fetched_.clear();
  }
  if (ids.empty()) return;
  keep_unless(patience_.repeat<std::vector<Settled>>("put back callbacks",
                                                     [&] { return store_.release_callbacks(ids); }),
              ids);
}

void CallbackWorker::keep_unless(const Released& released, const std::vector<std::string>& ids) {
  if (released) return;
  log_.error("put back callbacks: " + released.error().message + "; they are left to rescue");
  for (const std::string& id : ids) remember(id);
}

void CallbackWorker::remember(const std::string& id) {
  base::MutexLock lock(mutex_);
  unsettled_.push_back(id);
}

void CallbackWorker::run() {
  t_is_callback_thread = true;
  pthread_setname_np(pthread_self(), "ph-callback");
  while (const auto claim = next()) {
    carry_out(*claim);
    {
      base::MutexLock lock(mutex_);
      --running_;
    }
    changed_.notify_all();
  }
}

std::optional<CallbackClaim> CallbackWorker::next() {
  for (;;) {
    {
      base::MutexLock lock(mutex_);
      while (!stopping_ && fetched_.empty() && is_fetching_) changed_.wait(mutex_);
      if (stopping_) return std::nullopt;
      if (!fetched_.empty()) {
        CallbackClaim claim = std::move(fetched_.front());
        fetched_.pop_front();
        ++running_;
        return claim;
      }
      is_fetching_ = true;
    }
    std::vector<CallbackClaim> found = fetch();
    {
      base::MutexLock lock(mutex_);
      is_fetching_ = false;
      fetched_.insert(fetched_.end(), std::make_move_iterator(found.begin()),
                      std::make_move_iterator(found.end()));
    }
    changed_.notify_all();
  }
}

std::vector<CallbackClaim> CallbackWorker::fetch() {
  auto claims = store_.claim_callbacks(thread_count_);
  if (claims) patience_.reporter().succeeded("claim callbacks");
  if (claims && !claims->empty()) return std::move(*claims);
  if (claims) {
    static_cast<void>(store_.wait_for_callbacks(steady_clock::now() + kLongestWait));
    return {};
  }
  patience_.reporter().failed("claim callbacks", claims.error());
  const auto until = steady_clock::now() + kLongestWait;
  base::MutexLock lock(mutex_);
  while (!stopping_ && changed_.wait_until(mutex_, until)) {
  }
  return {};
}

bool CallbackWorker::bury_poison(const CallbackClaim& claim) {
  if (poison_rescues_ == 0 || claim.rescues < poison_rescues_ + kMoreRescues) return false;
  const std::string reason =
      "it was taken from " + std::to_string(claim.rescues) + " processes that died within an hour";
  log_.error("callback " + claim.jid + " goes to the dead set: " + reason);
  fail(claim, std::nullopt, std::nullopt, reason);
  return true;
}

void CallbackWorker::carry_out(const CallbackClaim& claim) {
  if (bury_poison(claim)) return;
  const auto job = parse_callback_job(claim.bytes, opener_);
  if (!job) {
    if (job.error().what == UnopenedData::What::kNotNow && patience_.has_given_up()) {
      // A stop waits for no payload store: that was no try.
      base::MutexLock lock(mutex_);
      unread_.push_back(claim.id);
    } else if (job.error().what == UnopenedData::What::kNotNow) {
      failed(claim, nullptr, {kUnreadableClass, job.error().reason});
    } else {
      log_.error("callback " + claim.jid +
                 " cannot be run and goes to the dead set: " + job.error().reason);
      fail(claim, std::nullopt, std::nullopt, job.error().reason);
    }
    return;
  }
  try {
    runner_.run(job->callback, job->outcome);
  } catch (...) {
    failed(claim, &*job, describe_exception(std::current_exception()));
    return;
  }
  finish(claim);
}

void CallbackWorker::finish(const CallbackClaim& claim) {
  const std::array<std::string, 1> ids = {claim.id};
  const auto finished = patience_.repeat<std::vector<Settled>>(
      "finish a callback", [&] { return store_.finish_callbacks(ids, {}); });
  if (!finished) {
    log_.error("finish a callback: " + finished.error().message +
               "; it has run, and whoever rescues it runs it again");
    remember(claim.id);
  }
}

void CallbackWorker::failed(const CallbackClaim& claim, const CallbackJob* job,
                            const JobFailure& failure) {
  NextTry next = next_try(claim.bytes, failure, system_clock::now(), base::random_fraction());
  const std::string name = job != nullptr ? job->callback + " " : std::string();
  log_.warn("callback " + name + claim.jid +
            (next.at ? " failed, and is tried again later: "
                     : " failed too often, and goes to the dead set: ") +
            failure.error_class + ": " + failure.message);
  const auto* error = job != nullptr ? std::get_if<Error>(&job->outcome) : nullptr;
  if (!next.at && error != nullptr) runner_.exhausted(*error);
  fail(claim, std::move(next.bytes), next.at, failure.error_class + ": " + failure.message);
}

void CallbackWorker::fail(const CallbackClaim& claim, std::optional<std::string> bytes,
                          std::optional<system_clock::time_point> retry_at, std::string reason) {
  const FailedClaim entry{claim.id, std::move(bytes), retry_at, std::move(reason)};
  const auto done = patience_.repeat<std::vector<Settled>>("note a callback's failure", [&] {
    return store_.fail_callbacks({&entry, 1}, system_clock::now());
  });
  if (!done) {
    log_.error("note a callback's failure: " + done.error().message + "; it is left to rescue");
    remember(claim.id);
  }
}

}  // namespace patient_http::jobs
