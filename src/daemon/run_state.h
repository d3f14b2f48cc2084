#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/run_failure.h"
#include "daemon/run_tally.h"
#include "jobs/job_store.h"

namespace patient_http::daemon {

// What a run remembers between its starts, as notes in its store: each is written in the same
// transaction as what it tells of.
struct RunState {
  RunCounts counts;
  // SHA-256 of the whole input, when it was checked first, and of the part that was taken.
  std::string input_sha256;
  std::string prefix_sha256;
  std::uint64_t output_length = 0;
  std::string output_tail_sha256;  // empty: not known
  bool has_output = false;         // some output was noted
  bool is_new = true;              // nothing was remembered
};

[[nodiscard]] RunResult<RunState> load_run_state(jobs::JobStore& store);

// The notes of the input's side and of the output's.
[[nodiscard]] std::vector<jobs::Note> input_notes(const RunCounts& counts,
                                                  const std::string& input_sha256,
                                                  const std::string& prefix_sha256);
[[nodiscard]] std::vector<jobs::Note> output_notes(const RunCounts& counts,
                                                   std::uint64_t output_length,
                                                   const std::string& output_tail_sha256);

}  // namespace patient_http::daemon
