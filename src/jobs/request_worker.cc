#include "jobs/request_worker.h"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/random.h"
#include "jobs/retry_schedule.h"

namespace patient_http::jobs {

namespace {

using std::chrono::steady_clock;
using std::chrono::system_clock;
using namespace std::chrono_literals;

constexpr std::size_t kLargestClaim = 500;
// How long a wait lasts at most before the loop looks around.
constexpr auto kLongestWait = 1s;
// Another job with the id of one that is running waits this long.
constexpr auto kPostponement = 1min;

}  // namespace

RequestWorker::RequestWorker(JobStore& store, const JobOpener& opener, Processor& processor,
                             InFlightJobs& in_flight, JobTaskHandler& handler,
                             StorePatience& patience, Log log)
    : store_(store),
      opener_(opener),
      processor_(processor),
      in_flight_(in_flight),
      handler_(handler),
      patience_(patience),
      log_(std::move(log)) {}

void RequestWorker::start() {
  if (thread_.joinable()) return;
  stopping_ = false;
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
    const std::size_t room = processor_.free_slots();
    if (room == 0) {
      static_cast<void>(processor_.wait_for_free_slot(100ms));
      continue;
    }
    if (!claim_some(std::min(room, kLargestClaim)) && !stopping_) {
      static_cast<void>(store_.wait_for_jobs(steady_clock::now() + kLongestWait));
    }
  }
  patience_.reporter().gave_up("claim jobs");
}

bool RequestWorker::claim_some(std::size_t most) {
  const auto claims = store_.claim(most);
  if (!claims) {
    patience_.reporter().failed("claim jobs", claims.error());
    wait_for_stop(kLongestWait);
    return true;
  }
  patience_.reporter().succeeded("claim jobs");
  for (const Claim& claim : *claims) take(claim);
  return !claims->empty();
}

// A store that cannot be read says at once that there may be work: it is asked again after a while.
void RequestWorker::wait_for_stop(steady_clock::duration time) {
  const auto until = steady_clock::now() + time;
  base::MutexLock lock(stop_mutex_);
  while (!stopping_ && stopped_.wait_until(stop_mutex_, until)) {
  }
}

void RequestWorker::take(const Claim& claim) {
  auto job = parse_request_job(claim.bytes, opener_);
  if (!job) {
    switch (job.error().what) {
      case UnrunnableJob::What::kInvalidRequest:
        handler_.complete_now(claim.id, job.error());
        break;
      case UnrunnableJob::What::kUnreadable:
        try_later(claim, job.error().reason);
        break;
      case UnrunnableJob::What::kMalformed:
        bury(claim, job.error().reason);
        break;
    }
    return;
  }
  switch (in_flight_.add(job->request_id, claim.jid, claim.id)) {
    case InFlightJobs::Added::kNew:
      break;
    case InFlightJobs::Added::kAdopted:
      return;
    case InFlightJobs::Added::kOther:
      postpone(claim);
      return;
  }
  const std::string request_id = job->request_id;
  if (!processor_.enqueue(std::make_unique<JobTask>(std::move(*job), handler_))) {
    // The processor is draining, or somebody else enqueued meanwhile.
    in_flight_.remove(request_id);
    put_back(claim.id);
  }
}

void RequestWorker::put_back(const std::string& claim_id) {
  const std::array<std::string, 1> ids = {claim_id};
  const auto released =
      patience_.repeat<std::vector<Settled>>("put back a job", [&] { return store_.release(ids); });
  if (!released)
    log_.error("put back a job: " + released.error().message + "; it is left to rescue");
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
  if (!done) log_.error(std::string(what) + ": " + done.error().message + "; it is left to rescue");
}

}  // namespace patient_http::jobs
