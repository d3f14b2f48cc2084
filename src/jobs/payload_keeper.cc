#include "jobs/payload_keeper.h"

namespace patient_http::jobs {

namespace {

// Longer than a Sidekiq that is busy takes from one look at its retries to the next.
constexpr auto kAhead = std::chrono::minutes(1);

}  // namespace

void PayloadKeeper::keep(std::chrono::system_clock::time_point now) {
  if (!storage_.keeps_copies()) return;
  const auto removed = store_.removed_payloads(now + kAhead);
  if (!removed) {
    report("", "look for payloads that Ruby needs again: " + removed.error().message);
    return;
  }
  reported_.erase("");
  for (const std::string& text : *removed) {
    const auto reference = payload::PayloadReference::parse(text);
    if (!reference) continue;
    const auto restored = storage_.restore(*reference);
    if (!restored) {
      report(reference->store(), restored.error().message);
    } else {
      reported_.erase(reference->store());
      if (*restored) log_.info("put the payload " + text + " back, which Ruby needs again");
    }
  }
}

void PayloadKeeper::report(const std::string& place, const std::string& message) {
  if (reported_.insert(place).second) log_.warn(message);
}

}  // namespace patient_http::jobs
