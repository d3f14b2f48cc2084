#include "jobs/claim_comparison.h"

#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace patient_http::jobs {

namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

// The intake thread looks around each second: a longer pause means that the process was stopped,
// or waited for the store, and others may have taken it for dead.
constexpr auto kLongPause = 5s;
constexpr auto kTryAgainAfter = 1s;

}  // namespace

void ClaimComparison::when_due(steady_clock::time_point now, const std::deque<Claim>& suspects,
                               std::deque<Claim>& untaken) {
  if (!is_due(now)) return;
  const bool done = compare(suspects, untaken);
  is_requested_ = false;
  next_ = now + (done ? every_ : steady_clock::duration(kTryAgainAfter));
}

bool ClaimComparison::is_due(steady_clock::time_point now) {
  const bool has_paused = now - std::exchange(last_call_, now) > kLongPause;
  return is_requested_ || has_paused || now >= next_;
}

bool ClaimComparison::compare(const std::deque<Claim>& suspects, std::deque<Claim>& untaken) {
  // Memory first: a job that ends meanwhile leaves the store before it leaves memory.
  InFlightJobs::Known known = in_flight_.known();
  for (const Claim& claim : suspects) known.claim_ids.insert(claim.id);
  for (const Claim& claim : untaken) known.claim_ids.insert(claim.id);
  const auto claims = store_.claims();
  if (!claims) {
    log_.warn("compare the claims: " + claims.error().message);
    return false;
  }
  std::vector<std::string> unknown;
  std::unordered_set<std::string> stored;
  for (const ClaimReference& claim : *claims) {
    if (!known.claim_ids.contains(claim.id)) unknown.push_back(claim.id);
    stored.insert(claim.id);
  }
  std::erase_if(untaken, [&](const Claim& claim) { return !stored.contains(claim.id); });
  std::size_t lost = 0;
  for (const InFlightJobs::Running& job : known.running) {
    if (stored.contains(job.claim_id) || !in_flight_.mark_lost(job.request_id, job.claim_id))
      continue;
    processor_.cancel(job.request_id);
    ++lost;
  }
  if (lost > 0) {
    log_.warn(std::to_string(lost) +
              " requests in flight are cancelled: their claims were rescued, and another run sends "
              "them");
  }
  return put_back(unknown);
}

bool ClaimComparison::put_back(const std::vector<std::string>& claim_ids) {
  if (claim_ids.empty()) return true;
  const auto released = store_.release(claim_ids);
  if (!released) {
    log_.warn("put back jobs whose claim got lost: " + released.error().message);
    return false;
  }
  log_.warn(
      std::to_string(claim_ids.size()) +
      " jobs go back to the front of the queue: their claim came in a reply that got lost, or "
      "an earlier stop left them");
  return true;
}

}  // namespace patient_http::jobs
