#include "jobs/request_worker.h"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/random.h"
#include "engine/retry_policy.h"
#include "jobs/retry_schedule.h"

namespace patient_http::jobs {

namespace {

using std::chrono::steady_clock;
using std::chrono::system_clock;
using namespace std::chrono_literals;

constexpr std::size_t kLargestClaim = 500;
// A claim of one job costs the store nearly as much as one of many: after one that found jobs, the
// next follows only then, or when a tenth of the slots is free for a queue that has more.
constexpr auto kClaimInterval = 5ms;
// How long a wait lasts at most before the loop looks around.
constexpr auto kLongestWait = 1s;
// Another job with the id of one that is running waits this long.
constexpr auto kPostponement = 1min;
// How long the loop waits for room before it looks again.
constexpr auto kRoomWait = 100ms;
// How often at most the log says that memory is spent.
constexpr auto kMemoryWarnings = 1min;
// So many processes died with a suspect that it is not sent any more.
constexpr int kCondemningDeaths = 2;

}  // namespace

RequestWorker::RequestWorker(JobStore& store, const JobOpener& opener, Processor& processor,
                             InFlightJobs& in_flight, JobTaskHandler& handler,
                             StorePatience& patience, RequestWorkerOptions options, Log log)
    : store_(store),
      opener_(opener),
      processor_(processor),
      in_flight_(in_flight),
      handler_(handler),
      patience_(patience),
      options_(options),
      log_(std::move(log)),
      comparison_(store, in_flight, processor, options.compare_every, log_) {}

void RequestWorker::start() {
  if (thread_.joinable()) return;
  stopping_ = false;
  // What an earlier stop could not settle is only in the store now, and taken up again.
  in_flight_.clear();
  comparison_.request();
  thread_ = std::thread([this] { run(); });
}

void RequestWorker::stop() {
  if (!thread_.joinable()) return;
  {
    base::MutexLock lock(stop_mutex_);
    stopping_ = true;
  }
  stopped_.notify_all();
  store_.wake();
  thread_.join();
}

void RequestWorker::run() {
  pthread_setname_np(pthread_self(), "ph-intake");
  while (!stopping_) {
    comparison_.when_due(steady_clock::now(), suspects_, untaken_);
    start_suspects();
    take_untaken();
    const std::size_t most = untaken_.empty() ? room() : 0;
    if (most == 0) {
      wait_for_room();
      continue;
    }
    const auto next_claim = steady_clock::now() + kClaimInterval;
    if (claim_some(std::min(most, kLargestClaim))) {
      wait_for_next_claim(next_claim);
    } else if (!stopping_) {
      static_cast<void>(store_.wait_for_jobs(steady_clock::now() + kLongestWait));
    }
  }
  put_back_waiting();
  patience_.reporter().gave_up("claim jobs");
}

void RequestWorker::wait_for_next_claim(steady_clock::time_point time) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(time - steady_clock::now());
  if (left <= 0ms) return;
  if (!has_more_) {
    wait_for_stop(left);
    return;
  }
  const std::size_t enough =
      std::clamp<std::size_t>(processor_.status().capacity / 10, 1, kLargestClaim);
  static_cast<void>(processor_.wait_for_free_slots(enough + suspects_.size(), left));
}

// One request is always taken: whatever it takes, nothing would come of waiting.
bool RequestWorker::has_memory() const {
  return in_flight_.bytes() < options_.request_memory &&
         processor_.status().body_bytes < processor_.options().body_memory;
}

void RequestWorker::take_untaken() {
  while (!stopping_ && !untaken_.empty() && has_memory()) {
    const Claim claim = std::move(untaken_.front());
    untaken_.pop_front();
    take(claim);
  }
}

void RequestWorker::wait_for_memory() {
  if (const auto now = steady_clock::now(); now >= next_memory_warning_) {
    next_memory_warning_ = now + kMemoryWarnings;
    log_.warn("no more requests are taken for now: those in memory take " +
              std::to_string(in_flight_.bytes()) + " bytes of request_memory, response bodies " +
              std::to_string(processor_.status().body_bytes) + " of body_memory");
  }
  wait_for_stop(kClaimInterval);
}

std::size_t RequestWorker::room() const {
  if (!has_memory()) return 0;
  const std::size_t slots = processor_.free_slots();
  return slots - std::min(slots, suspects_.size());
}

void RequestWorker::wait_for_room() {
  if (processor_.free_slots() == 0) {
    static_cast<void>(processor_.wait_for_free_slots(1, kRoomWait));
  } else if (!has_memory()) {
    wait_for_memory();
  } else {
    wait_for_stop(kRoomWait);  // suspects hold what is free
  }
}

bool RequestWorker::claim_some(std::size_t most) {
  auto claims = store_.claim(most);
  has_more_ = claims && claims->size() == most;
  if (!claims) {
    patience_.reporter().failed("claim jobs", claims.error());
    comparison_.request();
    wait_for_stop(kLongestWait);
    return true;
  }
  patience_.reporter().succeeded("claim jobs");
  const bool has_found = !claims->empty();
  for (Claim& claim : *claims) untaken_.push_back(std::move(claim));
  take_untaken();
  return has_found;
}

// A store that cannot be read says at once that there may be work: it is asked again after a while.
void RequestWorker::wait_for_stop(steady_clock::duration time) {
  const auto until = steady_clock::now() + time;
  base::MutexLock lock(stop_mutex_);
  while (!stopping_ && stopped_.wait_until(stop_mutex_, until)) {
  }
}

void RequestWorker::take(const Claim& claim) {
  if (options_.poison_rescues == 0 || claim.rescues < options_.poison_rescues) {
    hand_over(claim, false);
  } else if (claim.deaths >= kCondemningDeaths) {
    condemn(claim);
  } else {
    suspects_.push_back(claim);
  }
}

std::optional<RequestJob> RequestWorker::read(const Claim& claim) {
  auto job = parse_request_job(claim.bytes, opener_);
  if (job) return std::move(*job);
  switch (job.error().what) {
    case UnrunnableJob::What::kInvalidRequest:
      handler_.complete_now(claim.id, job.error());
      break;
    case UnrunnableJob::What::kUnreadable:
      if (patience_.has_given_up()) {
        put_back(claim.id);  // a stop waits for no payload store: that was no try
      } else {
        try_later(claim, job.error().reason);
      }
      break;
    case UnrunnableJob::What::kMalformed:
      bury(claim, job.error().reason);
      break;
  }
  return std::nullopt;
}

void RequestWorker::hand_over(const Claim& claim, bool is_suspect) {
  auto job = read(claim);
  if (!job) return;
  // The job's own bytes may be kept, too; what was stored elsewhere is only in the request.
  const auto& body = job->request.body();
  const std::size_t bytes = claim.bytes.size() + (body ? body->size() : 0);
  switch (in_flight_.add(job->request_id, claim.jid, claim.id, is_suspect, bytes)) {
    case InFlightJobs::Added::kNew:
      break;
    case InFlightJobs::Added::kAdopted:
      return;
    case InFlightJobs::Added::kOther:
      postpone(claim);
      return;
  }
  const std::string request_id = job->request_id;
  if (claim.rescues > 0 && job->request.on_interrupted() == OnInterrupted::kError) {
    in_flight_.remove(request_id);
    handler_.refuse(claim.id, *job, ErrorKind::kInterrupted,
                    "the process that had the request died, it may have been sent, and "
                    "on_interrupted says that it is not sent again");
    return;
  }
  const bool may_be_postponed =
      engine::may_wait_long(engine::retry_policy_of(processor_.options(), job->request));
  if (!processor_.enqueue(std::make_unique<JobTask>(
          std::move(*job), handler_, may_be_postponed ? claim.bytes : std::string()))) {
    // The processor is draining, or somebody else enqueued meanwhile.
    in_flight_.remove(request_id);
    put_back(claim.id);
  }
}

void RequestWorker::start_suspects() {
  while (!stopping_ && !suspects_.empty() && !in_flight_.has_suspect()) {
    const Claim claim = std::move(suspects_.front());
    suspects_.pop_front();
    start_suspect(claim);
  }
}

// Noted before it is read: what kills the process may be its data.
void RequestWorker::start_suspect(const Claim& claim) {
  const auto noted =
      patience_.repeat<Settled>("note a suspect", [&] { return store_.start_suspect(claim.id); });
  if (!noted) {
    // Only the store knows the claim now, so the comparison puts it back.
    log_.error("note a suspect: " + noted.error().message + "; it is not sent for now");
    return;
  }
  if (*noted == Settled::kClaimGone) return;
  log_.warn("job " + claim.jid + " was taken from " + std::to_string(claim.rescues) +
            " processes that died within an hour: it is sent as a suspect, one at a time");
  hand_over(claim, true);
}

void RequestWorker::condemn(const Claim& claim) {
  const auto job = read(claim);
  if (!job) return;
  const std::string died =
      std::to_string(claim.deaths) + " processes died while it was sent as the only suspect";
  log_.error("job " + claim.jid + " is condemned, an error callback says so: " + died);
  handler_.refuse(claim.id, *job, ErrorKind::kPoison,
                  "the request is condemned and is not sent again: " + died);
}

void RequestWorker::put_back_waiting() {
  std::vector<std::string> ids;
  for (const Claim& claim : suspects_) ids.push_back(claim.id);
  for (const Claim& claim : untaken_) ids.push_back(claim.id);
  suspects_.clear();
  untaken_.clear();
  if (ids.empty()) return;
  const auto released = patience_.repeat<std::vector<Settled>>("put back waiting jobs",
                                                               [&] { return store_.release(ids); });
  if (!released) {
    handler_.count_unreleased(ids.size());
    log_.error("put back waiting jobs: " + released.error().message + "; they are left to rescue");
  }
}

void RequestWorker::put_back(const std::string& claim_id) {
  const std::array<std::string, 1> ids = {claim_id};
  const auto released =
      patience_.repeat<std::vector<Settled>>("put back a job", [&] { return store_.release(ids); });
  if (!released) {
    handler_.count_unreleased(1);
    log_.error("put back a job: " + released.error().message + "; it is left to rescue");
  }
}

void RequestWorker::bury(const Claim& claim, const std::string& reason) {
  log_.error("job " + claim.jid + " cannot be run and goes to the dead set: " + reason);
  fail("bury a job", {claim.id, std::nullopt, std::nullopt, reason}, system_clock::now());
}

void RequestWorker::try_later(const Claim& claim, const std::string& reason) {
  const auto now = system_clock::now();
  NextTry next = next_try(claim.bytes, {kUnreadableClass, reason}, now, base::random_fraction());
  log_.error("the data of job " + claim.jid + " cannot be read, it " +
             (next.at ? "is tried again later: " : "goes to the dead set: ") + reason);
  fail("postpone a job", {claim.id, std::move(next.bytes), next.at, reason}, now);
}

void RequestWorker::postpone(const Claim& claim) {
  const auto now = system_clock::now();
  fail("postpone a job",
       {claim.id, std::nullopt, now + kPostponement, "a request with the same id is running"}, now);
}

void RequestWorker::fail(const char* what, FailedClaim failed, system_clock::time_point now) {
  const auto done = patience_.repeat<std::vector<Settled>>(what, [&] {
    return store_.fail({&failed, 1}, now);
  });
  if (!done) {
    handler_.count_unreleased(1);
    log_.error(std::string(what) + ": " + done.error().message + "; it is left to rescue");
  }
}

}  // namespace patient_http::jobs
