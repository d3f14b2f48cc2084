#include "engine/reactor.h"

#include <algorithm>
#include <stdexcept>
#include <system_error>

#include "engine/host_limit.h"
#include "engine/time_span.h"

namespace patient_http::engine {

namespace {

using std::chrono::steady_clock;

// How long a turn may go on taking commands and starting requests before it looks at the sockets
// again.
constexpr std::chrono::milliseconds kCommandsPerTurn{2};
constexpr std::chrono::milliseconds kStartingPerTurn{2};
constexpr std::size_t kCommandsPerLook = 16;  // at the clock
constexpr std::size_t kShownPerTurn = 500;    // to a census
// Settlements for which memory is kept after a burst.
constexpr std::size_t kMostKept = 1024;
constexpr std::chrono::milliseconds kLongestWait{60'000};
// How long the one that may overdraw can be silent before another one may instead.
constexpr std::chrono::milliseconds kOverdrawPatience{1000};

ConnectionPoolOptions pool_options(const ProcessorOptions& options, const ProxyRules& proxies) {
  return {.max_idle = options.max_idle_connections != 0 ? options.max_idle_connections
                                                        : options.max_connections,
          .max_origins = options.connection_pool_size,
          .idle_lifetime = bounded_span(options.idle_connection_lifetime),
          .head_limits = {options.max_header_size, options.max_header_count},
          .protocol = options.protocol,
          .ping_interval = bounded_span(options.ping_interval),
          .ping_timeout = bounded_span(options.ping_timeout),
          .origin_limit =
              [&options](const base::Origin& origin) {
                return limit_of(options.host_limits, &HostLimit::max_connections, origin,
                                options.max_connections_per_origin);
              },
          .proxies = &proxies};
}

// The options are valid; but the environment may have changed since that was seen.
ProxyRules make_proxy_rules(const ProcessorOptions& options) {
  auto rules = ProxyRules::create(options);
  if (!rules) throw std::runtime_error(rules.error().message);
  return std::move(*rules);
}

}  // namespace

Reactor::Reactor(const ProcessorOptions& options, const net::TlsContext& tls, Slots& slots,
                 ReactorListener& listener)
    : slots_(slots),
      listener_(listener),
      budget_(options.body_memory, [this] { wake(); }),
      options_(options),
      policies_(options),
      proxies_(make_proxy_rules(options)),
      preparer_(options.user_agent, options.secrets, options.preprocessors, &proxies_),
      resolver_(loop_, options.name_servers),
      pool_(loop_, resolver_, tls, pool_options(options, proxies_)),
      context_{options_, policies_, preparer_, loop_, pool_, budget_},
      quotas_(options.max_requests_per_origin, options.host_limits),
      busy_since_(steady_clock::now()),
      preparers_({.threads = options.preparer_threads}, preparer_, options.log,
                 [this](PreparerThreads::Ticket ticket, PreparerThreads::Prepared result) {
                   post(Prepared{ticket, std::move(result)});
                 }) {}

Reactor::~Reactor() = default;

void Reactor::enqueue(std::unique_ptr<RequestTask> task) {
  post(Enqueue{std::move(task)});
}
void Reactor::cancel(std::string id) {
  post(Cancel{std::move(id)});
}
void Reactor::interrupt_all() {
  post(InterruptAll{});
}
void Reactor::accept() {
  post(Accept{});
}
void Reactor::take_census(std::shared_ptr<TaskCensus> census) {
  post(TakeCensus{std::move(census)});
}
void Reactor::wake() {
  loop_.wake();
}

std::chrono::microseconds Reactor::longest_turn() const {
  return std::chrono::microseconds(longest_turn_.load(std::memory_order_relaxed));
}

void Reactor::post(Command command) {
  bool first = false;
  {
    base::MutexLock lock(inbox_mutex_);
    first = inbox_.empty();
    inbox_.push_back(std::move(command));
  }
  if (first) loop_.wake();
}

void Reactor::turn() {
  loop_.update_now();
  const bool has_taken_all = take_commands();
  return_parked();
  start_some();
  resume_paused();
  continue_census();
  // Whoever turns the reactor itself may have waited for just this.
  const bool has_settled = !settled_.empty();
  hand_over();
  collect();
  note_busy_time();
  const bool has_more = !to_start_.empty() || !has_taken_all || has_settled || !censuses_.empty();
  const auto now = steady_clock::now();
  loop_.turn(has_more ? now : now + (paused_.empty() ? kLongestWait : kOverdrawPatience));
  busy_since_ = loop_.now();
  hand_over();
}

// Between calls: nothing that was closed or settled is in use any more.
void Reactor::collect() {
  pool_.collect();
  ended_.clear();
}

void Reactor::note_busy_time() {
  const auto busy =
      std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - busy_since_);
  if (busy.count() > longest_turn_.load(std::memory_order_relaxed)) {
    longest_turn_.store(busy.count(), std::memory_order_relaxed);
  }
}

// False when the time for commands was used up: there may be more, and nobody will wake the loop
// for those that came while it was awake.
bool Reactor::take_commands() {
  const auto until = steady_clock::now() + kCommandsPerTurn;
  for (;;) {
    if (next_command_ == commands_.size()) {
      commands_.clear();
      next_command_ = 0;
      base::MutexLock lock(inbox_mutex_);
      if (inbox_.empty()) return true;
      commands_.swap(inbox_);
    }
    carry_out(commands_[next_command_++]);
    if (next_command_ % kCommandsPerLook == 0 && steady_clock::now() >= until) return false;
  }
}

void Reactor::carry_out(Command& command) {
  if (auto* enqueue = std::get_if<Enqueue>(&command)) {
    add(std::move(enqueue->task));
  } else if (auto* cancel = std::get_if<Cancel>(&command)) {
    cancel_now(cancel->id);
  } else if (auto* prepared = std::get_if<Prepared>(&command)) {
    continue_prepared(*prepared);
  } else if (auto* take = std::get_if<TakeCensus>(&command)) {
    censuses_.push_back({std::move(take->census), transfers_.size()});
  } else if (std::holds_alternative<InterruptAll>(command)) {
    interrupt_now();
  } else {
    interrupting_ = false;
    busy_since_ = steady_clock::now();
    longest_turn_.store(0, std::memory_order_relaxed);
  }
}

void Reactor::add(std::unique_ptr<RequestTask> task) {
  transfers_.push_back(
      std::make_unique<Running>(std::move(task), context_, static_cast<TransferOwner&>(*this)));
  Running& added = *transfers_.back();
  added.place = transfers_.size() - 1;
  by_id_.emplace(added.task().id(), &added);
  if (interrupting_) {
    added.interrupt();
  } else {
    queue_start(added);
  }
}

void Reactor::queue_start(Running& transfer) {
  transfer.is_to_start = true;
  to_start_.push_back(&transfer);
}

void Reactor::cancel_now(const std::string& id) {
  std::vector<Transfer*> found;
  const auto [begin, end] = by_id_.equal_range(id);
  for (auto it = begin; it != end; ++it) found.push_back(it->second);
  for (Transfer* transfer : found) transfer->cancel();
}

void Reactor::interrupt_now() {
  interrupting_ = true;
  std::vector<Transfer*> all;
  all.reserve(transfers_.size());
  for (const auto& transfer : transfers_) all.push_back(transfer.get());
  for (Transfer* transfer : all) transfer->interrupt();
}

void Reactor::on_preparing(Transfer& transfer, Preparation preparation) {
  Running& preparing = running(transfer);
  try {
    preparing.ticket = preparers_.add(std::move(preparation));
  } catch (const std::system_error& error) {
    transfer.on_prepared(unexpected(UnpreparedRequest{
        ErrorKind::kUnknown, std::string("cannot start a thread: ") + error.what()}));
    return;
  }
  preparing_.emplace(*preparing.ticket, &preparing);
}

// Without effect when the transfer has ended meanwhile.
void Reactor::continue_prepared(Prepared& prepared) {
  const auto found = preparing_.find(prepared.ticket);
  if (found == preparing_.end()) return;
  Running& transfer = *found->second;
  preparing_.erase(found);
  transfer.ticket.reset();
  transfer.on_prepared(std::move(prepared.result));
}

void Reactor::stop_preparing() {
  preparers_.stop();
  // What came too late for everybody must not lie about until the next start.
  base::MutexLock lock(inbox_mutex_);
  std::erase_if(inbox_, [](const Command& each) { return std::holds_alternative<Prepared>(each); });
}

void Reactor::start_some() {
  const auto until = steady_clock::now() + kStartingPerTurn;
  while (!to_start_.empty() && steady_clock::now() < until) {
    Running& transfer = *to_start_.front();
    to_start_.pop_front();
    transfer.is_to_start = false;
    if (transfer.is_inside() || may_begin(transfer)) begin(transfer);
  }
}

void Reactor::begin(Running& transfer) {
  if (transfer.is_between_hops()) {
    transfer.continue_attempt();
    return;
  }
  if (!transfer.has_started()) listener_.on_transfer_started(transfer.task());
  transfer.start_attempt();
}

void Reactor::on_settled(Transfer& transfer, Settlement settlement) {
  Running& ended = running(transfer);
  if (ended.is_parked) slots_.force_return(ended.wants_back);
  leave_attempt(ended);
  const auto [begin, end] = by_id_.equal_range(settlement.settled.task->id());
  by_id_.erase(std::find_if(begin, end, [&](const auto& e) { return e.second == &transfer; }));
  settlement.charge.settle();
  settled_.push_back(std::move(settlement));
  ended.wait.reset();
  leave_origin(ended);
  remove(ended);
}

// Nothing that was asked for the attempt may reach what follows it.
void Reactor::leave_attempt(Running& transfer) {
  if (std::exchange(transfer.is_to_start, false)) std::erase(to_start_, &transfer);
  if (std::exchange(transfer.is_paused, false)) paused_.remove(&transfer);
  if (overdrawing_ == &transfer) overdrawing_ = nullptr;
  if (transfer.ticket) {
    preparers_.drop(*transfer.ticket);
    preparing_.erase(*transfer.ticket);
    transfer.ticket.reset();
  }
}

void Reactor::remove(Running& transfer) {
  const std::size_t place = transfer.place;
  ended_.push_back(std::move(transfers_[place]));
  if (place + 1 < transfers_.size()) {
    transfers_[place] = std::move(transfers_.back());
    transfers_[place]->place = place;
  }
  transfers_.pop_back();
}

// One transfer may read on though the budget is spent, when bodies that still grow have spent it:
// with all of them paused, nothing would ever be given back. While settled ones hold some of it,
// there is something to wait for: a slow handler must not let memory grow. Nor may servers that
// stall, one after the other: see make_room().
bool Reactor::may_overdraw(Transfer& transfer) {
  if (overdrawing_ == nullptr && !budget_.is_leaving() && !budget_.is_overdrawn()) {
    overdrawing_ = &transfer;
  }
  if (overdrawing_ == &transfer) {
    overdrew_at_ = loop_.now();
    return true;
  }
  Running& paused = running(transfer);
  // A hop that was refused while it was paused may have left it there.
  if (!std::exchange(paused.is_paused, true)) paused_.push_back(&paused);
  return false;
}

void Reactor::resume_paused() {
  // A server that stalls must not keep the others from being read.
  if (!paused_.empty() && loop_.now() - overdrew_at_ > kOverdrawPatience) overdrawing_ = nullptr;
  if (!paused_.empty() && overdrawing_ == nullptr) make_room();
  const bool has_room = !budget_.is_spent();
  const bool may_overdraw = !budget_.is_leaving();
  while (!paused_.empty() && (has_room || (may_overdraw && overdrawing_ == nullptr))) {
    Running& transfer = *paused_.front();
    paused_.pop_front();
    transfer.is_paused = false;
    if (!has_room) {
      overdrawing_ = &transfer;
      overdrew_at_ = loop_.now();
    }
    transfer.resume_reading();
  }
}

// When the budget is spent twice over, the bodies whose servers have been silent for the longest
// time are given up, as many as there must be, before another transfer may overdraw.
void Reactor::make_room() {
  while (budget_.is_overdrawn() && !budget_.is_leaving()) {
    Transfer* most_silent = nullptr;
    net::TimePoint since = loop_.now() - kOverdrawPatience;
    for (const auto& transfer : transfers_) {
      const auto silent_since = transfer->silent_with_body_since();
      if (!silent_since || *silent_since >= since) continue;
      most_silent = transfer.get();
      since = *silent_since;
    }
    if (most_silent == nullptr) return;
    most_silent->give_up_body();
  }
}

// From the back: remove() moves the last transfer to a place before it, where it is shown a second
// time at worst. What is added meanwhile is not shown.
void Reactor::continue_census() {
  for (Census& running : censuses_) {
    running.left = std::min(running.left, transfers_.size());
    const std::size_t until = running.left - std::min(running.left, kShownPerTurn);
    while (running.left > until && !running.census->is_full()) {
      const Transfer& transfer = *transfers_[--running.left];
      running.census->show(transfer.enqueued_at(), transfer.task().id(),
                           [&] { return transfer.describe_task(loop_.now()); });
    }
    if (running.left == 0 || running.census->is_full()) running.census->finish();
  }
  std::erase_if(censuses_, [](const Census& each) { return each.census->is_finished(); });
}

void Reactor::hand_over() {
  if (settled_.empty()) return;
  listener_.on_settlements(std::move(settled_));
  settled_.clear();
  if (settled_.capacity() > kMostKept) settled_.shrink_to_fit();
}

void Reactor::close_idle_connections() {
  pool_.close_idle();
  collect();
}

}  // namespace patient_http::engine
