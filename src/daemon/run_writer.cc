#include "daemon/run_writer.h"

#include <pthread.h>

#include <algorithm>
#include <exception>

#include "jobs/callback_job.h"

namespace patient_http::daemon {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostResults = 500;
// What a step should hold in memory, by the sizes of those before.
constexpr std::size_t kBytesPerStep = 8 << 20;
constexpr std::size_t kFirstResults = 16;

}  // namespace

RunWriter::RunWriter(jobs::JobStore& store, const jobs::JobOpener& opener,
                     jobs::StorePatience& patience, RunOutput& output, RunTally& tally,
                     bool survives_power_cuts)
    : store_(store),
      opener_(opener),
      patience_(patience),
      output_(output),
      tally_(tally),
      survives_power_cuts_(survives_power_cuts),
      results_per_step_(kFirstResults) {}

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
  try {
    write_all();
  } catch (const std::exception& error) {
    tally_.fail({kStateProblem, std::string("cannot write results: ") + error.what()});
  }
}

void RunWriter::write_all() {
  while (!tally_.failure()) {
    // Asked first: what was complete before the stop is written after it.
    const bool was_stopping = stopping_;
    if (write_some()) continue;
    if (was_stopping) return;
    static_cast<void>(store_.wait_for_callbacks(std::chrono::steady_clock::now() + 200ms));
  }
}

bool RunWriter::write_some() {
  const auto results = patience_.repeat<std::vector<jobs::CallbackClaim>>(
      "read results", [&] { return store_.claim_callbacks(results_per_step_); });
  if (!results) {
    tally_.fail({kStateProblem, "cannot read the state: " + results.error().message});
    return false;
  }
  if (results->empty()) return false;
  std::string lines;
  std::vector<std::string> ids;
  RunCounts added;
  for (const jobs::CallbackClaim& result : *results) {
    const auto job = jobs::parse_callback_job(result.bytes, opener_);
    if (!job) {
      tally_.fail(
          {kStateProblem, "the state holds a result that cannot be read: " + job.error().reason});
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
  const auto notes = output_notes(after, output_.length(), output_.tail_sha256());
  const auto finished = patience_.repeat<std::vector<jobs::Settled>>(
      "note what was written", [&] { return store_.finish_callbacks(ids, notes); });
  if (!finished) {
    tally_.fail({kStateProblem, "cannot write the state: " + finished.error().message});
    return false;
  }
  tally_.written(added.succeeded, added.failed);
  note_sizes(ids.size(), lines.size());
  return true;
}

void RunWriter::note_sizes(std::size_t results, std::size_t bytes) {
  const std::size_t average = bytes / results + 1;
  results_per_step_ = std::clamp<std::size_t>(kBytesPerStep / average, 1, kMostResults);
}

}  // namespace patient_http::daemon
