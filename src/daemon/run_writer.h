#pragma once

#include <atomic>
#include <thread>

#include "daemon/run_output.h"
#include "daemon/run_state.h"
#include "daemon/run_tally.h"
#include "jobs/job_opener.h"
#include "jobs/job_store.h"
#include "jobs/store_patience.h"

namespace patient_http::daemon {

// Takes results from the store, where they are safe, and appends them to the output. Only then
// are they removed from the store, in the same step in which the output's new length is noted: a
// start after a crash cuts off what was appended without being noted, and appends it again.
class RunWriter {
 public:
  // All must outlive this object.
  RunWriter(jobs::JobStore& store, const jobs::JobOpener& opener, jobs::StorePatience& patience,
            RunOutput& output, RunTally& tally, bool survives_power_cuts);
  ~RunWriter() { stop(); }

  // Failures go to the tally.
  void start();
  // Writes what is in the store, and ends.
  void stop();

 private:
  void run();
  void write_all();
  // False when there was nothing to write, or it cannot go on.
  bool write_some();
  void note_sizes(std::size_t results, std::size_t bytes);

  jobs::JobStore& store_;
  const jobs::JobOpener& opener_;
  jobs::StorePatience& patience_;
  RunOutput& output_;
  RunTally& tally_;
  const bool survives_power_cuts_;
  std::size_t results_per_step_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace patient_http::daemon
