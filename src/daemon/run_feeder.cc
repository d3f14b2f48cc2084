#include "daemon/run_feeder.h"

#include <pthread.h>

#include <algorithm>
#include <exception>

#include "base/json_text.h"
#include "base/uuid.h"
#include "daemon/run_line.h"
#include "jobs/request_job.h"

namespace patient_http::daemon {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kJobsPerPush = 500;
constexpr std::size_t kBytesPerPush = 4 << 20;
constexpr auto kPatience = 100ms;
constexpr std::size_t kJidBytes = 12;

// How many requests are in the store and not written out yet: enough that the engine never waits
// for the disk, and few enough that the state stays small whatever the input's size.
std::uint64_t most_ahead(const RunOptions& options) {
  return std::max<std::uint64_t>(2000, 4 * options.processor.max_connections);
}

}  // namespace

RunFeeder::RunFeeder(const RunOptions& options, int fd, const RunState& state, CheckedInput checked,
                     jobs::JobStore& store, jobs::StorePatience& patience, RunTally& tally,
                     Report report)
    : options_(options),
      store_(store),
      patience_(patience),
      tally_(tally),
      report_(std::move(report)),
      checked_(std::move(checked)),
      resumed_(state),
      reader_(fd) {}

RunResult<void> RunFeeder::skip_taken(const std::function<bool()>& is_stopped) {
  while (number_ < resumed_.counts.lines) {
    const LineReader::Got got = reader_.next(kPatience);
    if (got == LineReader::Got::kFailed)
      return run_failure(kUsage, options_.input + ": " + reader_.error());
    if (got == LineReader::Got::kEnd) break;
    const bool is_slow = got == LineReader::Got::kNothingYet;
    if ((is_slow || number_ % 1000 == 0) && is_stopped()) return {};
    if (is_slow) continue;
    ++number_;
    prefix_.add(reader_.raw());
    if (options_.checks_first() || is_blank(reader_.line())) continue;
    if (const auto line = parse_run_line(reader_.line(), number_, options_.processor))
      ids_.insert(line->id_text);
  }
  if (!resumed_.is_new && prefix_.hex() != resumed_.prefix_sha256) {
    return run_failure(kUsage, options_.input +
                                   ": the input is not the one that this state belongs to; "
                                   "nothing was sent. Give the same input again, or start "
                                   "over with --fresh");
  }
  return {};
}

void RunFeeder::start() {
  thread_ = std::thread([this] { run(); });
}

void RunFeeder::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void RunFeeder::run() {
  pthread_setname_np(pthread_self(), "ph-feeder");
  try {
    take_all();
  } catch (const std::exception& error) {
    tally_.fail({kStateProblem, std::string("cannot read requests: ") + error.what()});
  }
}

void RunFeeder::take_all() {
  while (!stopping_ && !tally_.failure()) {
    if (!tally_.wait_for_room(most_ahead(options_), kPatience)) continue;
    if (!take_line()) return;
  }
}

bool RunFeeder::take_line() {
  // What was added to the file since it was checked is not part of it.
  if (options_.checks_first() && number_ == checked_.lines) {
    finish();
    return false;
  }
  switch (reader_.next(batch_.empty() ? kPatience : 0ms)) {
    case LineReader::Got::kFailed:
      tally_.fail({kUsage, options_.input + ": " + reader_.error()});
      return false;
    case LineReader::Got::kEnd:
      finish();
      return false;
    // What came so far is not kept waiting for a slow writer of a pipe.
    case LineReader::Got::kNothingYet:
      return batch_lines_ == 0 || push_batch(false);
    case LineReader::Got::kLine:
      break;
  }
  ++number_;
  ++batch_lines_;
  prefix_.add(reader_.raw());
  if (!is_blank(reader_.line())) take_request(reader_.line());
  if (batch_.size() < kJobsPerPush && batch_bytes_ < kBytesPerPush) return true;
  return push_batch(false);
}

void RunFeeder::finish() {
  if (options_.checks_first() && prefix_.hex() != checked_.sha256) {
    tally_.fail({kUsage, options_.input +
                             " has changed while it was read; what was sent by then is in the "
                             "output and the state"});
    return;
  }
  static_cast<void>(push_batch(true));
}

void RunFeeder::take_request(std::string_view text) {
  auto line = parse_run_line(text, number_, options_.processor);
  if (!line) {
    complain(line.error().message);
    return;
  }
  if (!options_.checks_first() && !ids_.insert(line->id_text)) {
    complain("id " + base::json_string(line->id_text) + " was given before; this line is left out");
    return;
  }
  jobs::NewRequestJob job;
  job.jid = base::random_hex(kJidBytes);
  job.request_id = base::random_uuid();
  job.callback = "run";
  job.raise_error_responses = line->raise_error_responses;
  job.callback_args = std::move(line->callback_args);
  job.reference = std::move(line->id);
  batch_.push_back({job.jid, jobs::make_request_job(line->request, job)});
  batch_bytes_ += batch_.back().bytes.size();
}

void RunFeeder::complain(const std::string& reason) {
  ++batch_bad_;
  report_(options_.input + ":" + std::to_string(number_) + ": " + reason);
}

bool RunFeeder::push_batch(bool input_done) {
  RunCounts after = tally_.counts();
  after.lines += batch_lines_;
  after.pushed += batch_.size();
  after.bad_lines += batch_bad_;
  after.input_done = input_done;
  const auto notes = input_notes(after, checked_.sha256, prefix_.hex());
  const auto pushed =
      patience_.repeat<void>("store requests", [&] { return store_.push(batch_, notes); });
  if (!pushed) {
    tally_.fail({kStateProblem, "cannot write the state: " + pushed.error().message});
    return false;
  }
  tally_.taken(batch_lines_, batch_.size(), batch_bad_, input_done);
  batch_.clear();
  batch_bytes_ = 0;
  batch_lines_ = batch_bad_ = 0;
  return true;
}

}  // namespace patient_http::daemon
