// Whether a body moves fast enough: min_throughput, on the average of one window of time after the
// other.

#include <algorithm>
#include <string>

#include "engine/time_span.h"
#include "engine/transfer.h"

namespace patient_http::engine {

// The first byte of an answer may take as long as the server thinks: while it is waited for there
// is no window.
bool Transfer::is_moving_body() const {
  return state_ == State::kSending || (state_ == State::kReceiving && !is_paused_);
}

void Transfer::begin_window() {
  if (context_.options.min_throughput == 0) return;
  window_ = {.begun = context_.loop.now(), .received = received_};
  if (state_ == State::kSending) window_.sent = connection_->sent(*this);
}

// The time in which we did not read is not the peer's.
void Transfer::lengthen_window(net::TimePoint paused_at) {
  window_.begun += context_.loop.now() - std::max(paused_at, window_.begun);
}

net::TimePoint Transfer::window_deadline() const {
  const ProcessorOptions& options = context_.options;
  if (options.min_throughput == 0 || !is_moving_body()) return net::TimePoint::max();
  return window_.begun + bounded_span(options.min_throughput_time);
}

std::uint64_t Transfer::moved_in_window() const {
  if (state_ == State::kReceiving) return received_ - window_.received;
  const SendProgress sent = connection_->sent(*this);
  const std::uint64_t taken = sent.taken - window_.sent.taken;
  // The kernel takes its bytes in large pieces, seldom: what it holds may be on the move.
  return sent.is_blocked ? std::max(taken, sent.acknowledged - std::min(sent.acknowledged,
                                                                        window_.sent.acknowledged))
                         : taken;
}

// Called at the end of a window; begins the next one when there is nothing to say against this.
bool Transfer::is_too_slow() {
  const ProcessorOptions& options = context_.options;
  const double wanted =
      static_cast<double>(options.min_throughput) * options.min_throughput_time.count();
  const bool is_slow = static_cast<double>(moved_in_window()) < wanted &&
                       !(state_ == State::kReceiving && connection_->is_held_up());
  if (!is_slow) begin_window();
  return is_slow;
}

void Transfer::too_slow() {
  const ProcessorOptions& options = context_.options;
  const std::string moved = std::to_string(moved_in_window());
  end_late_attempt(ErrorKind::kThroughputTimeout,
                   "only " + moved + (state_ == State::kSending ? " bytes left" : " bytes came") +
                       " within min_throughput_time, " +
                       exact_seconds(options.min_throughput_time) +
                       ", where min_throughput asks for " + std::to_string(options.min_throughput) +
                       " a second");
}

}  // namespace patient_http::engine
