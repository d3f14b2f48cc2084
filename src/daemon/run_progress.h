#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "daemon/run_tally.h"

namespace patient_http::daemon {

// How a run is going, in one line: "1,234 done, 5 failed, 256 in flight, 410/s, 2:03 left".
struct ProgressFigures {
  std::uint64_t done = 0;  // written, failed ones included
  std::uint64_t failed = 0;
  std::uint64_t total = 0;  // 0: not known yet
  std::size_t in_flight = 0;
  double rate = 0;  // per second, lately
};

[[nodiscard]] std::string progress_line(const ProgressFigures& figures);

// Shows progress on standard error: a line that is redrawn on a terminal, a new line now and then
// elsewhere. Used by one thread.
class RunProgress {
 public:
  // `total`: how many requests there are in all, 0 when the input is streamed.
  RunProgress(bool quiet, std::uint64_t total, const RunCounts& resumed);

  void show(const RunCounts& counts, std::size_t in_flight);
  // A line of its own, kept apart from the one that is redrawn.
  void say(const std::string& text);
  // The last words.
  void summarise(const RunCounts& counts, const std::string& verdict);

 private:
  void note_rate(std::chrono::steady_clock::time_point now, std::uint64_t done);
  void clear_line();

  const bool quiet_;
  const bool is_terminal_;
  const std::uint64_t total_;
  const RunCounts resumed_;
  const std::chrono::steady_clock::time_point began_;
  std::chrono::steady_clock::time_point next_;
  std::chrono::steady_clock::time_point rate_since_;
  std::uint64_t rate_done_;
  double rate_ = 0;
  bool line_is_open_ = false;
};

}  // namespace patient_http::daemon
