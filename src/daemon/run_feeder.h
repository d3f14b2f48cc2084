#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "daemon/id_set.h"
#include "daemon/line_reader.h"
#include "daemon/run_check.h"
#include "daemon/run_options.h"
#include "daemon/run_state.h"
#include "daemon/run_tally.h"
#include "drivers/crypto/sha256.h"
#include "jobs/job_store.h"
#include "jobs/store_patience.h"

namespace patient_http::daemon {

// Turns lines of input into jobs in the store, some way ahead of the engine, and notes in the same
// step how far it came. A thread of its own once started.
class RunFeeder {
 public:
  using Report = std::function<void(const std::string&)>;

  // All must outlive this object; `fd` stays open. `state` is what is remembered; `checked` is
  // empty when the input is streamed.
  RunFeeder(const RunOptions& options, int fd, const RunState& state, CheckedInput checked,
            jobs::JobStore& store, jobs::StorePatience& patience, RunTally& tally, Report report);
  ~RunFeeder() { stop(); }

  // Passes over the lines that were taken before, and fails when they are not the ones they were.
  [[nodiscard]] RunResult<void> skip_taken(const std::function<bool()>& is_stopped);

  // Failures go to the tally.
  void start();
  void stop();

 private:
  void run();
  void take_all();
  // At the end of the input: the last push, unless it is not what was checked.
  void finish();
  // False at the end of the input, or when it cannot go on.
  bool take_line();
  void take_request(std::string_view line);
  [[nodiscard]] bool push_batch(bool input_done);
  void complain(const std::string& reason);

  const RunOptions& options_;
  jobs::JobStore& store_;
  jobs::StorePatience& patience_;
  RunTally& tally_;
  const Report report_;
  const CheckedInput checked_;
  const RunState resumed_;

  LineReader reader_;
  crypto::Sha256 prefix_;
  IdSet ids_;  // of a streamed input
  std::uint64_t number_ = 0;

  // Read and not pushed yet.
  std::vector<jobs::NewJob> batch_;
  std::size_t batch_bytes_ = 0;
  std::uint64_t batch_lines_ = 0;
  std::uint64_t batch_bad_ = 0;

  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace patient_http::daemon
