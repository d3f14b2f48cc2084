#pragma once

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "drivers/net/event_loop.h"
#include "engine/body_sink.h"
#include "engine/connection_pool.h"
#include "engine/exchange.h"
#include "engine/network_policies.h"
#include "engine/request_preparer.h"
#include "patient_http/processor.h"
#include "patient_http/processor_options.h"
#include "patient_http/task_handler.h"

namespace patient_http::engine {

class Transfer;

// "connect"; "connection" for who waits for one to become free.
[[nodiscard]] std::string_view dial_phase_name(const std::optional<DialPhase>& phase);

// A task's outcome, and the charge for the body in it.
struct Settlement {
  SettledTask settled;
  BodyCharge charge;
  // For observers.
  bool was_started = false;
  int status = 0;
  Seconds duration{};
};

// What transfers share, and the reactor who runs them. All must outlive them.
struct TransferContext {
  const ProcessorOptions& options;
  const NetworkPolicies& policies;
  const RequestPreparer& preparer;
  net::EventLoop& loop;
  ConnectionPool& pool;
  BodyBudget& budget;
};

// Told of what a transfer needs and how it ended. Called on the reactor thread.
class TransferOwner {
 public:
  virtual ~TransferOwner() = default;
  // The transfer is over. Destroy it later: it is in a call.
  virtual void on_settled(Transfer& transfer, Settlement settlement) = 0;
  // The transfer waits: call start_attempt(), or continue_attempt() if is_between_hops(), after
  // `delay`.
  virtual void on_waiting(Transfer& transfer, std::chrono::nanoseconds delay) = 0;
  // The next hop is at another origin: whether it may be sent now. If not, it waits for room there:
  // call continue_attempt() then. The transfer is not at the old origin any more.
  [[nodiscard]] virtual bool may_change_origin(Transfer& transfer) = 0;
  // The request must be prepared where the user's functions may block: call on_prepared() with the
  // result, unless the transfer is settled or waits before.
  virtual void on_preparing(Transfer& transfer, Preparation preparation) = 0;
  // The budget for bodies is spent: whether the transfer may read all the same. If not, call
  // resume_reading() when there is room.
  [[nodiscard]] virtual bool may_overdraw(Transfer& transfer) = 0;
};

// One task's way through the engine: its attempts, and in each of them its hops, to one outcome.
// Belongs to the reactor thread.
class Transfer : private ExchangeListener, private ConnectionPool::Waiter {
 public:
  Transfer(std::unique_ptr<RequestTask> task, const TransferContext& context, TransferOwner& owner);
  ~Transfer() override;

  // Starts the first attempt, or the next one.
  void start_attempt();
  // There is no room at the origin of its next hop: call start_attempt(), or continue_attempt() if
  // is_between_hops(), when there is. The time for the attempt runs on between hops.
  void wait_for_origin();
  void continue_attempt();
  // Ends it, wherever it stands, with an error of kind kCancelled or as interrupted.
  void cancel();
  void interrupt();
  void resume_reading();
  // Since when its server has been silent in the middle of a body that takes memory; nothing when
  // there is no such body, or the silence may be ours.
  [[nodiscard]] std::optional<net::TimePoint> silent_with_body_since() const;
  // Ends the attempt, so that others have the memory. REQUIRES: silent_with_body_since().
  void give_up_body();
  // Sends what was prepared after on_preparing(). Without effect when that attempt is over.
  void on_prepared(Result<PreparedRequest, UnpreparedRequest> prepared);

  [[nodiscard]] const RequestTask& task() const { return *task_; }
  [[nodiscard]] bool has_started() const { return has_started_; }
  [[nodiscard]] bool is_between_hops() const { return is_between_hops_; }
  // Of the hop that is sent now, or next.
  [[nodiscard]] const std::string& url() const { return current().url(); }
  [[nodiscard]] net::TimePoint enqueued_at() const { return enqueued_at_; }
  // What it is doing at `now`.
  [[nodiscard]] TaskInFlight describe_task(net::TimePoint now) const;

 private:
  enum class State {
    kQueued,
    kAwaitingOrigin,
    kPreparing,
    kDialing,
    kSending,
    kWaiting,
    kReceiving,
    kParked,
    kSettled
  };

  void on_connection(HttpConnection& connection) override;
  void on_dial_failed(DialPhase phase, const net::NetFailure& failure,
                      const std::string& peer) override;
  void on_sent() override;
  void on_response_head(int status, HttpHeaders headers, std::int64_t content_length) override;
  void on_body(std::string_view bytes) override;
  void on_exchange_done() override;
  void on_exchange_failed(ExchangeFailure failure) override;
  std::size_t may_read() override;

  void send_hop();
  [[nodiscard]] Result<void, BodySink::Failed> begin_body(std::int64_t content_length);
  [[nodiscard]] const Request& current() const { return hop_ ? *hop_ : task_->request(); }
  void send_on(HttpConnection& connection);
  void body_failed(const BodySink::Failed& failed);
  void follow_or_finish();
  void finish_with_response();
  void fail(ErrorKind kind, std::string_view phase, const std::string& detail);
  void deny(const std::string& why);
  void settle(Outcome outcome, int status);
  void drop_connection();

  // In transfer_retry.cc.
  void attempt_failed(ErrorKind kind, std::string_view phase, const std::string& detail);
  [[nodiscard]] std::optional<std::chrono::nanoseconds> wait_after_status() const;
  void wait_for_next_attempt(std::chrono::nanoseconds wait);
  void postpone(std::chrono::nanoseconds wait);
  [[nodiscard]] bool is_between_attempts() const;
  [[nodiscard]] bool resend_for_free(const ExchangeFailure& failure);
  [[nodiscard]] bool was_stale(const ExchangeFailure& failure) const;
  [[nodiscard]] bool is_hop_repeatable() const;
  [[nodiscard]] HopIds hop_ids() const;

  void start_counting(net::TimePoint now);

  // In transfer_timeouts.cc.
  void start_clock(net::TimePoint now);
  void on_timer();
  void set_timer();
  [[nodiscard]] net::TimePoint phase_deadline() const;
  void timed_out(net::TimePoint now);
  void end_late_attempt(ErrorKind kind, std::string detail);
  // Whether the time for all attempts is over, or will be after `wait`.
  [[nodiscard]] bool is_time_over(std::chrono::nanoseconds wait = {}) const;
  void fail_late();
  // What it is that attempt_deadline_ ends, for messages.
  [[nodiscard]] std::string attempt_limit() const;

  // In transfer_throughput.cc.
  [[nodiscard]] bool is_moving_body() const;
  void begin_window();
  void lengthen_window(net::TimePoint paused_at);
  [[nodiscard]] net::TimePoint window_deadline() const;
  [[nodiscard]] std::uint64_t moved_in_window() const;
  [[nodiscard]] bool is_too_slow();
  void too_slow();

  // In transfer_words.cc.
  [[nodiscard]] Error request_error(ErrorKind kind, const std::string& message) const;
  [[nodiscard]] std::string_view phase_name() const;
  [[nodiscard]] std::string describe(std::string_view phase, const std::string& detail) const;
  [[nodiscard]] std::string stored_url() const;
  [[nodiscard]] std::vector<std::string> stored_chain() const;

  [[nodiscard]] Seconds elapsed() const;
  [[nodiscard]] Seconds timeout() const;
  // For all attempts.
  [[nodiscard]] std::optional<Seconds> max_time() const;
  [[nodiscard]] int max_redirects() const;
  [[nodiscard]] bool will_follow(const HttpHeaders& headers) const;

  std::unique_ptr<RequestTask> task_;
  const TransferContext& context_;
  TransferOwner& owner_;
  net::Timer timer_;
  State state_ = State::kQueued;

  // Of the task.
  const net::TimePoint enqueued_at_;
  net::TimePoint started_;
  bool has_started_ = false;
  int attempts_ = 0;  // those of earlier tasks too

  net::TimePoint next_attempt_at_;  // while it waits for that; it may be over

  // Of the attempt.
  net::TimePoint attempt_deadline_;
  // What is sent now, when it is not the task's own request.
  std::unique_ptr<const Request> hop_;
  std::vector<std::string> visited_;
  std::size_t hops_ = 1;
  int free_resends_ = 0;          // of hops that were not carried out
  bool was_stale_ = false;        // one of them, the connection being closed already
  bool is_between_hops_ = false;  // and waits for room at an origin, or to send one again
  KnownSecrets secrets_;          // of all its hops
  bool has_left_origin_ = false;
  bool may_have_left_ = false;  // a byte of any of its hops
  bool is_repeatable_ = true;   // all hops that were sent may be carried out twice

  // Of the hop.
  std::optional<PreparedRequest> prepared_;  // its target and headers only until they are sent
  net::TimePoint hop_started_;
  net::TimePoint sent_from_;  // when its first byte could be sent
  // may_have_left_ and is_repeatable_ as they were before it: a server that refuses it has undone
  // it.
  bool had_left_ = false;
  bool was_repeatable_ = true;
  net::TimePoint last_activity_;  // sent, or last read
  HttpConnection* connection_ = nullptr;
  std::string peer_;
  int status_ = 0;
  HttpHeaders headers_;
  // After a status that is followed by another attempt.
  std::optional<std::chrono::nanoseconds> wait_after_status_;
  bool discarding_ = false;  // the body of a response that is not the result, as far as we know
  std::size_t discarded_ = 0;
  std::uint64_t received_ = 0;  // bytes of the body, whichever
  bool is_paused_ = false;      // reading waits for the budget
  net::TimePoint paused_at_;
  // In which min_throughput is looked at, and what had moved when it began.
  struct Window {
    net::TimePoint begun;
    std::uint64_t received = 0;
    SendProgress sent = {};
  };
  Window window_;
  std::optional<BodySink> sink_;
};

}  // namespace patient_http::engine
