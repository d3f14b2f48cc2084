#include "engine/transfer.h"

#include <algorithm>
#include <limits>

#include "engine/net_error_kind.h"
#include "engine/redirect_policy.h"

namespace patient_http::engine {

namespace {

// A redirect's body is read to keep the connection, but only so far.
constexpr std::size_t kLargestDiscardedBody = 64 * 1024;
// What is read at once of a head when there is no memory for the body behind it.
constexpr std::size_t kHeadPiece = 4096;

}  // namespace

Transfer::Transfer(std::unique_ptr<RequestTask> task, const TransferContext& context,
                   TransferOwner& owner)
    : task_(std::move(task)),
      context_(context),
      owner_(owner),
      timer_([this] { on_timer(); }),
      enqueued_at_(context.loop.now()) {}

Transfer::~Transfer() = default;

// Attempts and time of an earlier task are counted on, by the time of day: nothing else is common
// to two processes.
void Transfer::start_counting(net::TimePoint now) {
  started_ = now;
  const auto& earlier = task_->earlier_attempts();
  if (!earlier) return;
  attempts_ = earlier->count;
  const auto since = std::chrono::system_clock::now() - earlier->began_at;
  started_ -= std::max(since, std::chrono::system_clock::duration(0));
}

void Transfer::start_attempt() {
  const net::TimePoint now = context_.loop.now();
  if (!std::exchange(has_started_, true)) start_counting(now);
  // It may have waited for longer than it meant to: for room, or for a process that takes its job.
  if (is_time_over()) {
    fail_late();
    return;
  }
  ++attempts_;
  start_clock(now);
  free_resends_ = 0;
  was_stale_ = false;
  hop_.reset();
  visited_.clear();
  hops_ = 1;
  secrets_ = {};
  has_left_origin_ = may_have_left_ = false;
  is_repeatable_ = true;
  send_hop();
}

void Transfer::wait_for_origin() {
  is_between_hops_ = is_between_hops_ || state_ == State::kReceiving;
  state_ = State::kAwaitingOrigin;
  if (is_between_hops_) set_timer();
}

void Transfer::continue_attempt() {
  send_hop();
}

void Transfer::send_hop() {
  is_between_hops_ = false;
  had_left_ = may_have_left_;
  was_repeatable_ = is_repeatable_;
  peer_.clear();
  sink_.reset();
  discarding_ = is_paused_ = false;
  wait_after_status_.reset();
  discarded_ = received_ = 0;
  state_ = State::kPreparing;
  auto ingredients = context_.preparer.look_up(current());
  if (!ingredients) {
    on_prepared(unexpected(std::move(ingredients.error())));
  } else if (ingredients->has_user_code()) {
    set_timer();
    owner_.on_preparing(*this, {current(), hop_ids(), std::move(*ingredients)});
  } else {
    on_prepared(context_.preparer.prepare(current(), hop_ids(), *ingredients));
  }
}

void Transfer::on_prepared(Result<PreparedRequest, UnpreparedRequest> prepared) {
  if (state_ != State::kPreparing) return;
  if (!prepared) {
    fail(prepared.error().kind, "prepare", prepared.error().message);
    return;
  }
  prepared_ = std::move(*prepared);
  secrets_.add(std::move(prepared_->secrets));
  hop_started_ = context_.loop.now();
  const base::Origin& origin = prepared_->origin;
  const AddressPolicy* policy = context_.policies.policy_of(task_->request());
  if (policy != nullptr) {
    if (const auto why = policy->refusal_of_host(origin.host, origin.port)) {
      deny(*why);
      return;
    }
  }
  if (HttpConnection* free = context_.pool.find_free(origin, policy)) {
    send_on(*free);
    return;
  }
  state_ = State::kDialing;
  context_.pool.connect(origin, *this, policy);
  set_timer();
}

void Transfer::on_connection(HttpConnection& connection) {
  send_on(connection);
}

void Transfer::send_on(HttpConnection& connection) {
  connection_ = &connection;
  sent_from_ = context_.loop.now();
  peer_ = connection.peer();
  state_ = State::kSending;
  is_repeatable_ = is_repeatable_ && is_hop_repeatable();
  const std::optional<std::string>& body = current().body();
  const std::string_view bytes = body ? std::string_view(*body) : std::string_view();
  connection.start(*prepared_, bytes, *this);
  if (state_ != State::kSending) return;
  begin_window();
  set_timer();
}

void Transfer::on_dial_failed(DialPhase phase, const net::NetFailure& failure,
                              const std::string& peer) {
  peer_ = peer;
  if (failure.kind == net::NetFailure::Kind::kDenied) {
    deny(failure.message);
    return;
  }
  attempt_failed(error_kind_of(failure.kind), dial_phase_name(phase), failure.message);
}

void Transfer::on_sent() {
  may_have_left_ = true;
  if (state_ != State::kSending) return;  // the response has begun before
  state_ = State::kWaiting;
  last_activity_ = context_.loop.now();
  set_timer();
}

// A head is read all the same, but hardly more with it.
std::size_t Transfer::may_read() {
  if (!context_.budget.is_spent()) return std::numeric_limits<std::size_t>::max();
  if (state_ != State::kReceiving) return kHeadPiece;
  is_paused_ = !owner_.may_overdraw(*this);
  paused_at_ = context_.loop.now();
  return is_paused_ ? 0 : std::numeric_limits<std::size_t>::max();
}

// The silence was ours: the clock of the peer's begins anew.
void Transfer::resume_reading() {
  if (!is_paused_ || state_ != State::kReceiving) return;
  is_paused_ = false;
  last_activity_ = context_.loop.now();
  lengthen_window(paused_at_);
  set_timer();
  connection_->resume(*this);
}

void Transfer::on_response_head(int status, HttpHeaders headers, std::int64_t content_length) {
  state_ = State::kReceiving;
  may_have_left_ = true;
  last_activity_ = context_.loop.now();
  begin_window();
  status_ = status;
  headers_ = std::move(headers);
  wait_after_status_ = wait_after_status();
  discarding_ = wait_after_status_ || will_follow(headers_);
  if (!discarding_) {
    if (const auto begun = begin_body(content_length); !begun) {
      body_failed(begun.error());
      return;
    }
  } else if (content_length > static_cast<std::int64_t>(kLargestDiscardedBody)) {
    drop_connection();
    follow_or_finish();
    return;
  } else if (wait_after_status_ && max_time()) {
    // It is the result after all if it comes so slowly that no time is left for another attempt.
    if (!begin_body(content_length)) sink_.reset();
  }
  set_timer();
}

Result<void, BodySink::Failed> Transfer::begin_body(std::int64_t content_length) {
  sink_.emplace(context_.options.max_response_size, context_.budget);
  const auto decompressed =
      sink_->begin(headers_.get("content-encoding").value_or(""), content_length);
  if (!decompressed) return unexpected(decompressed.error());
  // They speak of the message on the wire, which nobody sees any more.
  headers_.erase("content-length");
  headers_.erase("transfer-encoding");
  if (*decompressed) headers_.erase("content-encoding");
  return {};
}

bool Transfer::will_follow(const HttpHeaders& headers) const {
  return is_followed_status(status_) && !headers.get("location").value_or("").empty() &&
         max_redirects() > 0;
}

void Transfer::on_body(std::string_view bytes) {
  last_activity_ = context_.loop.now();
  received_ += bytes.size();
  if (discarding_) {
    discarded_ += bytes.size();
    if (sink_ && !sink_->append(bytes)) sink_.reset();
    if (discarded_ > kLargestDiscardedBody) {
      sink_.reset();
      drop_connection();
      follow_or_finish();
    }
    return;
  }
  if (const auto taken = sink_->append(bytes); !taken) body_failed(taken.error());
}

void Transfer::body_failed(const BodySink::Failed& failed) {
  const bool large = failed.problem == BodySink::Problem::kTooLarge;
  drop_connection();
  fail(large ? ErrorKind::kResponseTooLarge : ErrorKind::kDecode, "receive", failed.message);
}

void Transfer::on_exchange_done() {
  connection_ = nullptr;
  if (sink_) {
    if (const auto ended = sink_->end(); !ended) {
      if (!discarding_) {
        body_failed(ended.error());
        return;
      }
      sink_.reset();
    }
  }
  follow_or_finish();
}

void Transfer::on_exchange_failed(ExchangeFailure failure) {
  const std::string_view phase = phase_name();
  connection_ = nullptr;
  if (failure.refused) {
    may_have_left_ = had_left_;
    is_repeatable_ = was_repeatable_;
  } else {
    may_have_left_ = may_have_left_ || failure.bytes_left;
  }
  if (resend_for_free(failure)) return;
  attempt_failed(failure.kind, phase, failure.message);
}

void Transfer::follow_or_finish() {
  if (wait_after_status_) {
    if (!is_time_over(*wait_after_status_)) {
      wait_for_next_attempt(*wait_after_status_);
    } else if (sink_) {
      finish_with_response();
    } else {
      fail_late();
    }
    return;
  }
  auto step =
      decide_redirect(current(), status_, headers_.get("location"), visited_, max_redirects());
  if (auto* follow = std::get_if<FollowRedirect>(&step)) {
    visited_.push_back(current().url());
    hop_ = std::make_unique<const Request>(std::move(follow->request));
    has_left_origin_ = has_left_origin_ || follow->is_other_origin;
    ++hops_;
    if (!follow->is_other_origin || owner_.may_change_origin(*this)) send_hop();
  } else if (auto* reject = std::get_if<RejectRedirect>(&step)) {
    if (reject->kind == ErrorKind::kInvalidRedirect) {
      fail(reject->kind, "redirect", reject->message);
      return;
    }
    std::vector<std::string> chain = stored_chain();
    chain.push_back(stored_url());
    settle(Error(RedirectError({.kind = reject->kind,
                                .url = secrets_.mask_url(reject->url),
                                .method = current().method(),
                                .duration = elapsed(),
                                .request_id = task_->id(),
                                .redirects = std::move(chain),
                                .callback_args = task_->callback_args()})),
           status_);
  } else {
    finish_with_response();
  }
}

void Transfer::finish_with_response() {
  const bool raises =
      task_->raise_error_responses().value_or(context_.options.raise_error_responses);
  if (const auto location = headers_.get("location"); location && !secrets_.empty()) {
    headers_.set("location", secrets_.mask_url(*location));
  }
  Response response({.status = status_,
                     .headers = std::move(headers_),
                     .body = sink_ ? sink_->take_body() : std::nullopt,
                     .duration = elapsed(),
                     .request_id = task_->id(),
                     .url = stored_url(),
                     .method = current().method(),
                     .callback_args = task_->callback_args(),
                     .redirects = stored_chain()});
  if (raises && !response.is_success()) {
    settle(Error(HttpError(std::move(response))), status_);
  } else {
    settle(std::move(response), status_);
  }
}

void Transfer::fail(ErrorKind kind, std::string_view phase, const std::string& detail) {
  settle(request_error(kind, describe(phase, detail)), 0);
}

// Without path and query: who reads it may be another than who sent the request.
void Transfer::deny(const std::string& why) {
  const base::Origin& origin = prepared_->origin;
  const bool is_ipv6 = origin.host.find(':') != std::string::npos;
  const std::string host = is_ipv6 ? "[" + origin.host + "]" : origin.host;
  settle(request_error(ErrorKind::kPolicy, "policy: nothing may be sent to " + host + ":" +
                                               std::to_string(origin.port) + ": " + why),
         0);
}

void Transfer::cancel() {
  if (state_ == State::kSettled) return;
  const std::string_view phase = phase_name();
  drop_connection();
  settle(
      request_error(ErrorKind::kCancelled, "cancelled: " + describe(phase, "cancelled on request")),
      0);
}

void Transfer::drop_connection() {
  if (state_ == State::kDialing) context_.pool.give_up(*this);
  if (connection_ != nullptr) std::exchange(connection_, nullptr)->abandon(*this);
}

void Transfer::settle(Outcome outcome, int status) {
  state_ = State::kSettled;
  context_.loop.timers().cancel(timer_);
  Settlement settlement{SettledTask{std::move(task_), std::move(outcome)},
                        sink_ ? sink_->take_charge() : BodyCharge(context_.budget), has_started(),
                        status, elapsed()};
  owner_.on_settled(*this, std::move(settlement));
}

Seconds Transfer::elapsed() const {
  if (!has_started_) return Seconds{0};
  // Not the loop's time: a response that takes less than a turn took time all the same.
  return std::chrono::steady_clock::now() - started_;
}

Seconds Transfer::timeout() const {
  return task_->request().timeout().value_or(context_.options.request_timeout);
}

std::optional<Seconds> Transfer::max_time() const {
  const auto& own = task_->request().retry().max_time;
  return own ? std::optional(own->seconds()) : context_.options.max_retry_time;
}

int Transfer::max_redirects() const {
  return task_->request().max_redirects().value_or(context_.options.max_redirects);
}

}  // namespace patient_http::engine
