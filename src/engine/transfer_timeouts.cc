// The clocks of a transfer: which deadline counts in which phase, and what is said when it has
// come.

#include <algorithm>

#include "engine/time_span.h"
#include "engine/transfer.h"

namespace patient_http::engine {

using std::chrono::nanoseconds;

void Transfer::start_clock(net::TimePoint now) {
  attempt_deadline_ = now + bounded_span(timeout());
  if (const auto all = max_time()) {
    attempt_deadline_ = std::min(attempt_deadline_, started_ + bounded_span(*all));
  }
}

net::TimePoint Transfer::phase_deadline() const {
  const ProcessorOptions& options = context_.options;
  const auto after = [](net::TimePoint start, const std::optional<Seconds>& wait) {
    return wait ? start + bounded_span(*wait) : net::TimePoint::max();
  };
  switch (state_) {
    case State::kDialing: {
      // Nothing is dialled for who waits for a connection to become free. A dial that begins for
      // him later cannot be late before this, which is looked up again then.
      const auto since = context_.pool.dialing_since(*this);
      const auto begin = since ? std::max(*since, hop_started_) : context_.loop.now();
      const auto connected = after(begin, options.connection_timeout);
      if (since && context_.pool.phase_of(*this) != DialPhase::kResolve) return connected;
      return std::min(connected, after(begin, options.resolve_timeout));
    }
    case State::kWaiting:
      return after(last_activity_, options.first_byte_timeout);
    case State::kReceiving:
      if (is_paused_) return net::TimePoint::max();
      return after(last_activity_, options.idle_timeout);
    default:
      return net::TimePoint::max();
  }
}

// Deadlines that move away, as with each read, are looked up when the timer goes off; only nearer
// ones move it.
void Transfer::set_timer() {
  const net::TimePoint deadline =
      std::min({attempt_deadline_, phase_deadline(), window_deadline()});
  if (timer_.is_set() && timer_.deadline() <= deadline) return;
  context_.loop.timers().set(timer_, deadline);
}

void Transfer::on_timer() {
  const net::TimePoint now = context_.loop.now();
  if (std::min(attempt_deadline_, phase_deadline()) <= now) {
    timed_out(now);
  } else if (window_deadline() <= now && is_too_slow()) {
    too_slow();
  } else {
    set_timer();
  }
}

bool Transfer::is_time_over(nanoseconds wait) const {
  const auto all = max_time();
  return all && elapsed() + wait >= *all;
}

void Transfer::fail_late() {
  fail(ErrorKind::kTotalTimeout, phase_name(),
       "the time for all attempts, " + exact_seconds(*max_time()) + ", is over");
}

std::string Transfer::attempt_limit() const {
  const auto all = max_time();
  if (!all || attempt_deadline_ < started_ + bounded_span(*all)) {
    return "the timeout of " + exact_seconds(timeout());
  }
  return "the time for all attempts, " + exact_seconds(*all);
}

void Transfer::timed_out(net::TimePoint now) {
  const ProcessorOptions& options = context_.options;
  const std::string_view phase = phase_name();
  ErrorKind kind = ErrorKind::kTotalTimeout;
  std::string detail = "no complete response within " + attempt_limit();
  if (attempt_deadline_ > now) {
    switch (state_) {
      case State::kWaiting:
        kind = ErrorKind::kFirstByteTimeout;
        detail =
            "no response within first_byte_timeout, " + exact_seconds(*options.first_byte_timeout);
        break;
      case State::kReceiving:
        kind = ErrorKind::kIdleTimeout;
        detail = "silence for idle_timeout, " + exact_seconds(*options.idle_timeout);
        break;
      default: {
        const bool resolving = phase == "resolve";
        kind = resolving ? ErrorKind::kResolveTimeout : ErrorKind::kConnectTimeout;
        const bool by_resolve_timeout =
            resolving &&
            options.resolve_timeout <= options.connection_timeout.value_or(options.resolve_timeout);
        detail = by_resolve_timeout ? "no address within resolve_timeout, " +
                                          exact_seconds(options.resolve_timeout)
                                    : "no connection within connection_timeout, " +
                                          exact_seconds(*options.connection_timeout);
      }
    }
  }
  end_late_attempt(kind, std::move(detail));
}

void Transfer::end_late_attempt(ErrorKind kind, std::string detail) {
  const std::string_view phase = phase_name();
  if (sink_) detail += "; " + std::to_string(sink_->wire_bytes()) + " bytes of the body came";
  if (state_ == State::kSending) may_have_left_ = true;
  if (state_ == State::kDialing) peer_ = context_.pool.peer_of(*this);
  drop_connection();
  sink_.reset();  // its memory is free at once
  attempt_failed(kind, phase, detail);
}

std::optional<net::TimePoint> Transfer::silent_with_body_since() const {
  const bool has_body = state_ == State::kReceiving && sink_ && sink_->has_bytes();
  if (!has_body || is_paused_ || connection_ == nullptr || connection_->is_held_up()) {
    return std::nullopt;
  }
  return last_activity_;
}

void Transfer::give_up_body() {
  const Seconds silence = context_.loop.now() - last_activity_;
  end_late_attempt(ErrorKind::kBodyMemory, "silence for " + exact_seconds(silence) +
                                               " while the memory for bodies, body_memory of " +
                                               std::to_string(context_.options.body_memory) +
                                               " bytes, was spent twice over");
}

}  // namespace patient_http::engine
