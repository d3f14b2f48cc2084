// What a transfer does after an attempt that failed, and what decides whether it may be repeated.

#include <algorithm>

#include "base/random.h"
#include "engine/retry_policy.h"
#include "engine/transfer.h"
#include "http/retry_after.h"

namespace patient_http::engine {

namespace {

// A server that refuses everything must not make us go round for ever.
constexpr int kMostFreeResends = 3;
// What ended an idle connection is here about a round trip after we sent something over it; a
// server that is silent for longer may be at work on the request.
constexpr std::chrono::milliseconds kLongestCrossing{500};

}  // namespace

void Transfer::attempt_failed(ErrorKind kind, std::string_view phase, const std::string& detail) {
  if (wait_after_status_) {  // only the body failed, which nobody wants
    if (is_time_over(*wait_after_status_)) {
      fail(kind, phase, detail);
    } else {
      wait_for_next_attempt(*wait_after_status_);
    }
    return;
  }
  const RetryDecision decision =
      decide_retry(retry_policy_of(context_.options, task_->request()), task_->request().method(),
                   {.kind = kind, .bytes_left = may_have_left_, .is_repeatable = is_repeatable_},
                   {.count = attempts_, .time = elapsed()}, base::random_fraction());
  if (decision.delay) {
    wait_for_next_attempt(*decision.delay);
  } else {
    fail(kind, phase, decision.refusal.empty() ? detail : detail + "; " + decision.refusal);
  }
}

std::optional<std::chrono::nanoseconds> Transfer::wait_after_status() const {
  constexpr int kFirstErrorStatus = 400;
  if (status_ < kFirstErrorStatus) return std::nullopt;
  AttemptFailure failure{.kind = ErrorKind::kHttpStatus,
                         .status = status_,
                         .bytes_left = true,
                         .is_repeatable = is_repeatable_};
  if (const auto asked = headers_.get("retry-after")) {
    failure.retry_after = http::parse_retry_after(*asked, std::chrono::system_clock::now());
  }
  return decide_retry(retry_policy_of(context_.options, task_->request()),
                      task_->request().method(), failure, {.count = attempts_, .time = elapsed()},
                      base::random_fraction())
      .delay;
}

void Transfer::wait_for_next_attempt(std::chrono::nanoseconds wait) {
  if (wait > kLongestWaitInProcessor && task_->handler().can_postpone(*task_)) {
    postpone(wait);
    return;
  }
  state_ = State::kParked;
  next_attempt_at_ = context_.loop.now() + wait;
  context_.loop.timers().cancel(timer_);
  prepared_.reset();
  sink_.reset();
  headers_ = {};
  hop_.reset();
  is_between_hops_ = false;
  may_have_left_ = false;  // what did leave may be repeated
  owner_.on_waiting(*this, wait);
}

// The server did not begin with the request, or closed an idle connection while it was on its way:
// that is nobody's fault and costs no attempt, as long as it cannot have been carried out twice.
// From the second time on the server is given the time that an attempt would give it.
bool Transfer::resend_for_free(const ExchangeFailure& failure) {
  const bool is_stale = !failure.refused && was_stale(failure);
  if (!(failure.refused || is_stale) || free_resends_ == kMostFreeResends) return false;
  const auto wait = free_resends_ == 0
                        ? std::chrono::nanoseconds(0)
                        : backoff(retry_policy_of(context_.options, task_->request()),
                                  free_resends_, base::random_fraction());
  if (context_.loop.now() + wait >= attempt_deadline_) return false;
  was_stale_ = was_stale_ || is_stale;
  if (free_resends_++ == 0) {
    send_hop();
    return true;
  }
  state_ = State::kParked;
  is_between_hops_ = true;
  prepared_.reset();
  sink_.reset();
  set_timer();
  owner_.on_waiting(*this, wait);
  return true;
}

bool Transfer::was_stale(const ExchangeFailure& failure) const {
  return failure.stale && !was_stale_ && (!failure.bytes_left || is_hop_repeatable()) &&
         context_.loop.now() - sent_from_ <= kLongestCrossing;
}

void Transfer::postpone(std::chrono::nanoseconds wait) {
  using std::chrono::system_clock;
  const auto now = system_clock::now();
  const auto since = std::chrono::duration_cast<system_clock::duration>(elapsed());
  sink_.reset();
  settle(Postponed{.next_at = now + std::chrono::duration_cast<system_clock::duration>(wait),
                   .attempts = {.count = attempts_, .began_at = now - since}},
         status_);
}

void Transfer::interrupt() {
  if (state_ == State::kSettled) return;
  const std::string_view phase = phase_name();
  const bool may_be_underway = state_ == State::kSending || may_have_left_;
  drop_connection();
  if (may_be_underway && task_->request().on_interrupted() == OnInterrupted::kError) {
    settle(request_error(ErrorKind::kInterrupted,
                         describe(phase,
                                  "the processor stopped, the request may have been carried out, "
                                  "and on_interrupted says that it is not sent again")),
           0);
  } else if (is_between_attempts() && task_->handler().can_postpone(*task_)) {
    // Whoever takes it up goes on counting, and does not come before the server's Retry-After.
    postpone(std::max(next_attempt_at_ - context_.loop.now(), std::chrono::nanoseconds(0)));
  } else {
    settle(Interrupted{}, 0);
  }
}

bool Transfer::is_between_attempts() const {
  return attempts_ > 0 && !is_between_hops_ &&
         (state_ == State::kParked || state_ == State::kAwaitingOrigin);
}

bool Transfer::is_hop_repeatable() const {
  const HttpHeaders::Value* key = current().headers().find(kIdempotencyKey);
  return is_idempotent(current().method()) || task_->request().retry().idempotent ||
         (key != nullptr ? !std::holds_alternative<std::monostate>(*key)
                         : !hop_ids().idempotency_key.empty());
}

// The key is for the server that was meant, and for what the user asked it to do: it goes along
// neither to another origin nor with the GET that a 303 leads to.
HopIds Transfer::hop_ids() const {
  const Request& request = task_->request();
  HopIds ids{hops_ == 1 ? task_->id() : task_->id() + "/" + std::to_string(hops_)};
  const bool is_wanted = request.idempotency_key().value_or(context_.options.idempotency_keys &&
                                                            !is_idempotent(request.method()));
  if (is_wanted && !has_left_origin_ && current().method() == request.method()) {
    ids.idempotency_key = task_->id();
  }
  return ids;
}

}  // namespace patient_http::engine
