#include "daemon/run_writer.h"

#include <pthread.h>

#include "jobs/callback_job.h"

namespace patient_http::daemon {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kResultsPerStep = 500;

}  // namespace

RunWriter::RunWriter(jobs::JobStore& store, RunOutput& output, RunTally& tally,
                     bool survives_power_cuts)
    : store_(store), output_(output), tally_(tally), survives_power_cuts_(survives_power_cuts) {}

void RunWriter::start() {
  thread_ = std::thread([this] { run(); });
}

void RunWriter::stop() {
  stopping_ = true;
  if (!thread_.joinable()) return;
  store_.wake();
  thread_.join();
}

void RunWriter::run() {
  pthread_setname_np(pthread_self(), "ph-writer");
  while (!tally_.failure()) {
    // Asked first: what was complete before the stop is written after it.
    const bool was_stopping = stopping_;
    if (write_some()) continue;
    if (was_stopping) return;
    static_cast<void>(store_.wait_for_callbacks(std::chrono::steady_clock::now() + 200ms));
  }
}

bool RunWriter::write_some() {
  const auto results = store_.claim_callbacks(kResultsPerStep);
  if (!results) {
    tally_.fail({kStateProblem, "cannot read the state: " + results.error().message});
    return false;
  }
  if (results->empty()) return false;
  std::string lines;
  std::vector<std::string> ids;
  RunCounts added;
  for (const jobs::CallbackClaim& result : *results) {
    const auto job = jobs::parse_callback_job(result.bytes);
    if (!job) {
      tally_.fail(
          {kStateProblem, "the state holds a result that cannot be read: " + job.error().message});
      return false;
    }
    lines += run_output_line(*job);
    ids.push_back(result.id);
    ++(std::holds_alternative<Response>(job->outcome) ? added.succeeded : added.failed);
  }
  if (const auto written = output_.append(lines, survives_power_cuts_); !written) {
    tally_.fail(written.error());
    return false;
  }
  RunCounts after = tally_.counts();
  after.succeeded += added.succeeded;
  after.failed += added.failed;
  if (const auto finished = store_.finish_callbacks(ids, output_notes(after, output_.length()));
      !finished) {
    tally_.fail({kStateProblem, "cannot write the state: " + finished.error().message});
    return false;
  }
  tally_.written(added.succeeded, added.failed);
  return true;
}

}  // namespace patient_http::daemon
