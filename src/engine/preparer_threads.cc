#include "engine/preparer_threads.h"

#include <pthread.h>

#include <exception>
#include <system_error>
#include <utility>

namespace patient_http::engine {

using base::MutexLock;

namespace {

thread_local bool t_is_preparer_thread = false;

// "2.3 s"
std::string in_seconds(std::chrono::steady_clock::duration duration) {
  const auto tenths =
      std::chrono::duration_cast<std::chrono::duration<long, std::deci>>(duration).count();
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

}  // namespace

// The functions of one request.
class PreparerThreads::Call final : public UserCallListener {
 public:
  Call(const PreparerThreads& owner, Ticket ticket) : owner_(owner), ticket_(ticket) {}

  bool may_call() override { return owner_.is_wanted(ticket_); }

  void on_called(const std::string& what, std::chrono::steady_clock::duration duration) override {
    const bool is_wanted = owner_.is_wanted(ticket_);
    if (is_wanted && duration <= owner_.options_.slow_call) return;
    owner_.log_.warn("the " + what + " took " + in_seconds(duration) +
                     (is_wanted ? "" : "; its request had ended meanwhile"));
  }

 private:
  const PreparerThreads& owner_;
  const Ticket ticket_;
};

bool PreparerThreads::is_preparer_thread() {
  return t_is_preparer_thread;
}

PreparerThreads::PreparerThreads(PreparerThreadsOptions options, const RequestPreparer& preparer,
                                 Log log, Deliver deliver)
    : options_(options), preparer_(preparer), log_(std::move(log)), deliver_(std::move(deliver)) {}

PreparerThreads::Ticket PreparerThreads::add(Preparation preparation) {
  MutexLock lock(mutex_);
  if (waiting_.size() >= idle_ && threads_.size() < options_.threads) start_one();
  const Ticket ticket = ++last_;
  waiting_.emplace(ticket, std::move(preparation));
  changed_.notify_one();
  return ticket;
}

void PreparerThreads::start_one() {
  try {
    threads_.emplace_back([this] { run(); });
  } catch (const std::system_error&) {
    // Those that there are do it, if later.
    if (threads_.empty()) throw;
  }
}

void PreparerThreads::drop(Ticket ticket) {
  std::map<Ticket, Preparation>::node_type dropped;  // ends after the lock
  MutexLock lock(mutex_);
  dropped = waiting_.extract(ticket);
  running_.erase(ticket);
}

void PreparerThreads::stop() {
  std::vector<std::thread> threads;
  std::map<Ticket, Preparation> dropped;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
    dropped.swap(waiting_);
    running_.clear();
    changed_.notify_all();
  }
  dropped.clear();
  for (std::thread& thread : threads) thread.join();
  MutexLock lock(mutex_);
  stopping_ = false;
}

bool PreparerThreads::is_wanted(Ticket ticket) const {
  MutexLock lock(mutex_);
  return running_.contains(ticket);
}

void PreparerThreads::run() {
  t_is_preparer_thread = true;
  pthread_setname_np(pthread_self(), "ph-prepare");
  for (;;) {
    std::map<Ticket, Preparation>::node_type next;
    {
      MutexLock lock(mutex_);
      ++idle_;
      while (waiting_.empty() && !stopping_) changed_.wait(mutex_);
      --idle_;
      if (stopping_) return;
      next = waiting_.extract(waiting_.begin());
      running_.insert(next.key());
    }
    prepare(next.key(), next.mapped());
  }
}

void PreparerThreads::prepare(Ticket ticket, const Preparation& preparation) {
  Call call(*this, ticket);
  Prepared prepared = [&]() -> Prepared {
    try {
      return preparer_.prepare(preparation.request, preparation.ids, preparation.ingredients,
                               &call);
    } catch (const std::exception& error) {  // no memory, or the log's sink
      return unexpected(UnpreparedRequest{ErrorKind::kUnknown, error.what()});
    } catch (...) {
      return unexpected(UnpreparedRequest{ErrorKind::kUnknown, "the log failed"});
    }
  }();
  {
    MutexLock lock(mutex_);
    if (running_.erase(ticket) == 0) return;
  }
  deliver_(ticket, std::move(prepared));
}

}  // namespace patient_http::engine
