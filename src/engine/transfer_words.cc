// What a transfer tells of itself: in errors, in a census, in urls that are stored.

#include "engine/transfer.h"

namespace patient_http::engine {

std::string_view dial_phase_name(const std::optional<DialPhase>& phase) {
  return phase ? to_string(*phase) : "connection";
}

Error Transfer::request_error(ErrorKind kind, const std::string& message) const {
  return RequestError({.kind = kind,
                       .message = secrets_.mask(message),
                       .duration = elapsed(),
                       .request_id = task_->id(),
                       .url = stored_url(),
                       .method = current().method(),
                       .callback_args = task_->callback_args()});
}

TaskInFlight Transfer::describe_task(net::TimePoint now) const {
  const auto url = base::Url::parse(stored_url());
  return {.id = task_->id(),
          .method = current().method(),
          .host = url ? url->origin().authority() : std::string(),
          .phase = phase_name(),
          .age = now - enqueued_at_,
          .attempt = attempts_};
}

std::string_view Transfer::phase_name() const {
  switch (state_) {
    case State::kQueued:
      return "queue";
    case State::kAwaitingOrigin:
      return "host limit";
    case State::kPreparing:
      return "prepare";
    case State::kDialing:
      return dial_phase_name(context_.pool.phase_of(*this));
    case State::kSending:
      return "send";
    case State::kWaiting:
      return "wait";
    case State::kReceiving:
      return "receive";
    case State::kParked:
      return "retry wait";
    case State::kSettled:
      return "settled";
  }
  return "";
}

// "GET https://api.example.com/v1 failed in phase connect at 203.0.113.5:443: connect: Connection
// refused (attempt 4 of 4)"
std::string Transfer::describe(std::string_view phase, const std::string& detail) const {
  std::string text(to_wire(current().method()));
  text.append(" ")
      .append(base::redact_url(current().url()))
      .append(" failed in phase ")
      .append(phase);
  if (!peer_.empty()) text.append(" at ").append(peer_);
  text.append(": ").append(detail);
  if (attempts_ > 1) text.append(" (after ").append(std::to_string(attempts_)).append(" attempts)");
  return text;
}

// B17: a server that sends the url back in Location brings the value of a secret param into the
// next one. The task's own url is stored already as it is.
std::string Transfer::stored_url() const {
  return hop_ ? secrets_.mask_url(hop_->url()) : task_->request().url();
}

// The urls before the current one.
std::vector<std::string> Transfer::stored_chain() const {
  std::vector<std::string> chain = visited_;
  for (std::size_t i = 1; i < chain.size(); ++i) chain[i] = secrets_.mask_url(chain[i]);
  return chain;
}

}  // namespace patient_http::engine
