#include "patient_http/processor.h"

#include <pthread.h>

#include <array>
#include <atomic>
#include <exception>
#include <stdexcept>
#include <thread>
#include <variant>

#include "base/clock.h"
#include "base/mutex.h"
#include "engine/delivery.h"
#include "engine/observer_feed.h"
#include "engine/options_check.h"
#include "engine/reactor.h"
#include "engine/slots.h"
#include "engine/task_census.h"

namespace patient_http {

using base::MutexLock;
using std::chrono::steady_clock;

namespace {

void require_outside_thread() {
  if (engine::Delivery::is_delivery_thread() || engine::ObserverFeed::is_observer_thread() ||
      engine::PreparerThreads::is_preparer_thread()) {
    throw std::logic_error(
        "Processor::stop() called from a TaskHandler, a ProcessorObserver, a Preprocessor or the "
        "function of a secret");
  }
}

}  // namespace

std::string_view to_string(ProcessorState state) noexcept {
  switch (state) {
    case ProcessorState::kStopped:
      return "stopped";
    case ProcessorState::kStarting:
      return "starting";
    case ProcessorState::kRunning:
      return "running";
    case ProcessorState::kDraining:
      return "draining";
    case ProcessorState::kStopping:
      return "stopping";
  }
  return "";
}

class Processor::Impl final : private engine::ReactorListener {
 public:
  explicit Impl(const ProcessorOptions& options)
      : options_((engine::require_valid(options), options)),
        tls_(engine::make_tls_context(options_)),
        slots_(options_.max_connections, [this] { reactor_.wake(); }),
        delivery_(options_.delivery_threads, slots_, options_.log),
        reactor_(options_, tls_, slots_, *this) {}

  void add_observer(ProcessorObserver& observer) { observers_.add(observer); }
  void start();
  void drain();
  void stop(std::chrono::milliseconds timeout);
  Result<void, RefusedTask> enqueue(std::unique_ptr<RequestTask> task);
  void cancel(std::string_view id) { reactor_.cancel(std::string(id)); }
  void interrupt() { reactor_.interrupt_all(); }
  std::optional<std::vector<TaskInFlight>> in_flight(std::size_t most,
                                                     std::chrono::milliseconds patience);

  [[nodiscard]] const ProcessorOptions& options() const { return options_; }
  [[nodiscard]] ProcessorState state() const { return state_.load(); }
  [[nodiscard]] ProcessorStatus status() const;
  [[nodiscard]] const engine::Slots& slots() const { return slots_; }

 private:
  void on_transfer_started(const RequestTask& task) override { observers_.request_started(task); }
  void on_settlements(std::vector<engine::Settlement>&& settlements) override;

  void run_reactor();

  const ProcessorOptions options_;
  const net::TlsContext tls_;
  engine::Slots slots_;
  engine::ObserverFeed observers_;
  engine::Delivery delivery_;
  engine::Reactor reactor_;
  std::thread reactor_thread_;
  std::atomic<bool> quit_reactor_{false};
  // By the index of their type in SettledTask::outcome.
  std::array<std::atomic<std::uint64_t>, std::variant_size_v<Outcome>> outcomes_{};

  // Held through a start or a stop: a second one waits for the first.
  base::Mutex lifecycle_;
  std::atomic<ProcessorState> state_{ProcessorState::kStopped};
};

void Processor::Impl::start() {
  MutexLock lock(lifecycle_);
  if (state_ != ProcessorState::kStopped) return;
  state_ = ProcessorState::kStarting;
  quit_reactor_ = false;
  for (auto& count : outcomes_) count = 0;
  observers_.start();
  delivery_.start();
  reactor_.accept();
  reactor_thread_ = std::thread([this] { run_reactor(); });
  state_ = ProcessorState::kRunning;
  slots_.open();
}

void Processor::Impl::drain() {
  MutexLock lock(lifecycle_);
  if (state_ != ProcessorState::kRunning) return;
  state_ = ProcessorState::kDraining;
  slots_.close();
}

void Processor::Impl::stop(std::chrono::milliseconds timeout) {
  require_outside_thread();
  MutexLock lock(lifecycle_);
  if (state_ == ProcessorState::kStopped) return;
  state_ = ProcessorState::kStopping;
  slots_.close();
  if (!slots_.wait_until_empty(base::later<steady_clock>(steady_clock::now(), timeout))) {
    reactor_.interrupt_all();
    static_cast<void>(slots_.wait_until_empty(steady_clock::time_point::max()));
  }
  quit_reactor_ = true;
  reactor_.wake();
  reactor_thread_.join();
  reactor_.stop_preparing();
  delivery_.stop();
  observers_.stop();
  state_ = ProcessorState::kStopped;
}

Result<void, RefusedTask> Processor::Impl::enqueue(std::unique_ptr<RequestTask> task) {
  switch (slots_.try_take()) {
    case engine::Slots::Taken::kYes:
      reactor_.enqueue(std::move(task));
      return {};
    case engine::Slots::Taken::kFull:
      observers_.capacity_exceeded();
      return unexpected(RefusedTask{RefusedTask::Reason::kAtCapacity, std::move(task)});
    case engine::Slots::Taken::kClosed:
      break;
  }
  return unexpected(RefusedTask{RefusedTask::Reason::kNotRunning, std::move(task)});
}

void Processor::Impl::on_settlements(std::vector<engine::Settlement>&& settlements) {
  for (const engine::Settlement& settlement : settlements) {
    observers_.request_settled(settlement);
    outcomes_.at(settlement.settled.outcome.index()).fetch_add(1, std::memory_order_relaxed);
  }
  delivery_.push(std::move(settlements));
}

void Processor::Impl::run_reactor() {
  pthread_setname_np(pthread_self(), "ph-reactor");
  while (!quit_reactor_) {
    try {
      reactor_.turn();
    } catch (const std::exception& error) {
      // No memory, or none left for the loop itself: what is in flight goes back to where it came
      // from, and the processor stays usable. A loop that is broken for good must not spin.
      options_.log.error(std::string("the reactor failed, tasks in flight are interrupted: ") +
                         error.what());
      reactor_.interrupt_all();
      reactor_.accept();
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }
  reactor_.close_idle_connections();
}

ProcessorStatus Processor::Impl::status() const {
  const engine::Slots::Counts counts = slots_.counts();
  return {.state = state(),
          .occupied = counts.occupied,
          .parked = counts.parked,
          .capacity = slots_.capacity(),
          .body_bytes = reactor_.budget().used(),
          .longest_turn = reactor_.longest_turn(),
          .responses = outcomes_[0],
          .errors = outcomes_[1],
          .interrupted = outcomes_[2],
          .postponed = outcomes_[3]};
}

std::optional<std::vector<TaskInFlight>> Processor::Impl::in_flight(
    std::size_t most, std::chrono::milliseconds patience) {
  // Shared with the reactor, which may answer when nobody waits any more.
  const auto census = std::make_shared<engine::TaskCensus>(most);
  reactor_.take_census(census);
  return census->wait(steady_clock::now() + patience);
}

Processor::Processor(const ProcessorOptions& options) : impl_(std::make_unique<Impl>(options)) {}
Processor::~Processor() {
  stop(std::chrono::milliseconds(0));
}
void Processor::add_observer(ProcessorObserver& observer) {
  impl_->add_observer(observer);
}
void Processor::start() {
  impl_->start();
}
void Processor::drain() {
  impl_->drain();
}
void Processor::stop(std::chrono::milliseconds timeout) {
  impl_->stop(timeout);
}
Result<void, RefusedTask> Processor::enqueue(std::unique_ptr<RequestTask> task) {
  return impl_->enqueue(std::move(task));
}
void Processor::cancel(std::string_view id) {
  impl_->cancel(id);
}
void Processor::interrupt() {
  impl_->interrupt();
}
std::optional<std::vector<TaskInFlight>> Processor::in_flight(std::size_t most,
                                                              std::chrono::milliseconds patience) {
  return impl_->in_flight(most, patience);
}
const ProcessorOptions& Processor::options() const {
  return impl_->options();
}
ProcessorState Processor::state() const {
  return impl_->state();
}
ProcessorStatus Processor::status() const {
  return impl_->status();
}
std::size_t Processor::free_slots() const {
  return impl_->slots().free();
}
bool Processor::wait_until_idle(std::chrono::milliseconds timeout) const {
  return impl_->slots().wait_until_empty(base::later<steady_clock>(steady_clock::now(), timeout));
}
bool Processor::wait_for_free_slots(std::size_t count, std::chrono::milliseconds timeout) const {
  return impl_->slots().wait_for_free(count,
                                      base::later<steady_clock>(steady_clock::now(), timeout));
}

}  // namespace patient_http
