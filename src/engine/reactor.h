#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/mutex.h"
#include "drivers/net/event_loop.h"
#include "drivers/net/resolver.h"
#include "drivers/net/tls_context.h"
#include "engine/body_budget.h"
#include "engine/connection_pool.h"
#include "engine/network_policies.h"
#include "engine/origin_quotas.h"
#include "engine/preparer_threads.h"
#include "engine/proxy_rules.h"
#include "engine/request_preparer.h"
#include "engine/slots.h"
#include "engine/task_census.h"
#include "engine/transfer.h"

namespace patient_http::engine {

// Hears of what the reactor does. Called on the reactor thread; must not block.
class ReactorListener {
 public:
  virtual ~ReactorListener() = default;
  virtual void on_transfer_started(const RequestTask& task) = 0;
  // What was settled in one turn, at least one: to be moved out of `settlements`.
  virtual void on_settlements(std::vector<Settlement>&& settlements) = 0;
};

// Everything that one reactor thread owns: its event loop, connections and transfers. The slots
// are counted by whoever enqueues and by whoever settles; the reactor only parks and unparks.
//
// Thread safety: the methods under "any thread" post into the inbox; all others belong to the one
// thread that calls turn().
class Reactor final : private TransferOwner {
 public:
  // All references must outlive this object. Throws std::runtime_error or std::system_error when
  // the loop or the resolver cannot be set up.
  Reactor(const ProcessorOptions& options, const net::TlsContext& tls, Slots& slots,
          ReactorListener& listener);
  ~Reactor() override;

  // Any thread.
  void enqueue(std::unique_ptr<RequestTask> task);
  void cancel(std::string id);
  // Ends all transfers, and all that are enqueued from now on, as interrupted.
  void interrupt_all();
  // Takes tasks again after interrupt_all().
  void accept();
  // Shows `census` every transfer, some in each turn.
  void take_census(std::shared_ptr<TaskCensus> census);
  // Ends the wait of turn().
  void wake();
  [[nodiscard]] BodyBudget& budget() { return budget_; }
  [[nodiscard]] const BodyBudget& budget() const { return budget_; }
  [[nodiscard]] std::chrono::microseconds longest_turn() const;

  // The reactor thread.
  // Does what there is to do, and waits for the next thing if there is nothing.
  void turn();
  // Closes idle connections.
  void close_idle_connections();
  [[nodiscard]] bool has_transfers() const { return !transfers_.empty(); }

  // Ends the threads on which the user's functions run, and waits for those that do. REQUIRES: no
  // transfers, and no turn() until it returns.
  void stop_preparing();

 private:
  struct Enqueue {
    std::unique_ptr<RequestTask> task;
  };
  struct Cancel {
    std::string id;
  };
  struct InterruptAll {};
  struct Accept {};
  struct TakeCensus {
    std::shared_ptr<TaskCensus> census;  // shared with who waits for it
  };
  struct Prepared {
    PreparerThreads::Ticket ticket;
    PreparerThreads::Prepared result;
  };
  using Command = std::variant<Enqueue, Cancel, InterruptAll, Accept, TakeCensus, Prepared>;

  // A transfer, and the lists that it is in. Every transfer of a reactor is one.
  struct Running final : Transfer, OriginQuotas::Visitor {
    using Transfer::Transfer;

    std::size_t place = 0;  // in transfers_
    bool is_to_start = false;
    bool is_parked = false;
    bool wants_back = false;  // parked, and only the slot is missing
    bool is_paused = false;
    std::unique_ptr<net::Timer> wait;
    std::optional<PreparerThreads::Ticket> ticket;  // while it is prepared elsewhere
  };

  [[nodiscard]] static Running& running(Transfer& transfer) {
    return static_cast<Running&>(transfer);
  }

  void on_settled(Transfer& transfer, Settlement settlement) override;
  void on_waiting(Transfer& transfer, std::chrono::nanoseconds delay) override;
  bool may_change_origin(Transfer& transfer) override;
  void on_preparing(Transfer& transfer, Preparation preparation) override;
  bool may_overdraw(Transfer& transfer) override;

  void post(Command command);
  [[nodiscard]] bool take_commands();
  void carry_out(Command& command);
  void add(std::unique_ptr<RequestTask> task);
  void cancel_now(const std::string& id);
  void interrupt_now();
  void continue_prepared(Prepared& prepared);
  void queue_start(Running& transfer);
  void leave_attempt(Running& transfer);
  void remove(Running& transfer);
  void start_some();
  void begin(Running& transfer);
  // Whether there is room at its origin; if not, it waits for that.
  [[nodiscard]] bool may_begin(Running& transfer);
  [[nodiscard]] base::Origin origin_of(const Running& transfer) const;
  void leave_origin(Running& transfer);
  void on_admitted(Running& transfer);
  void wait_is_over(Running& transfer);
  void return_parked();
  void resume_paused();
  void make_room();
  void continue_census();
  void hand_over();
  void collect();
  void note_busy_time();

  Slots& slots_;
  ReactorListener& listener_;
  net::EventLoop loop_;
  BodyBudget budget_;
  const ProcessorOptions& options_;
  const NetworkPolicies policies_;
  const ProxyRules proxies_;
  const RequestPreparer preparer_;
  net::Resolver resolver_;
  ConnectionPool pool_;
  const TransferContext context_;

  base::Mutex inbox_mutex_;
  std::vector<Command> inbox_ GUARDED_BY(inbox_mutex_);

  // The reactor thread's own.
  std::vector<Command> commands_;  // taken from the inbox
  std::size_t next_command_ = 0;   // the first that is not carried out
  std::vector<std::unique_ptr<Running>> transfers_;
  std::unordered_multimap<std::string_view, Transfer*> by_id_;  // the tasks' own strings
  std::deque<Running*> to_start_;
  OriginQuotas quotas_;              // of all that were started; admitted: parked ones
  std::list<Running*> paused_;       // for want of memory for bodies
  net::TimePoint overdrew_at_;       // its last read
  Transfer* overdrawing_ = nullptr;  // the one that reads on when the budget is spent
  struct Census {
    std::shared_ptr<TaskCensus> census;
    std::size_t left = 0;  // those before this place in transfers_ were not shown
  };
  std::vector<Census> censuses_;
  std::vector<Settlement> settled_;
  std::vector<std::unique_ptr<Running>> ended_;  // destroyed when no call is in them
  std::unordered_map<PreparerThreads::Ticket, Running*> preparing_;
  bool interrupting_ = false;
  net::TimePoint busy_since_;
  std::atomic<std::chrono::microseconds::rep> longest_turn_{0};

  PreparerThreads preparers_;  // the last: its threads post into the inbox until they end
};

}  // namespace patient_http::engine
