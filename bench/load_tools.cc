#include "load_tools.h"

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "child_process.h"

namespace patient_http::bench {

namespace {

using Command = std::vector<std::string>;

struct Run {
  double count = 0;
  double cpu_seconds = 0;
  double peak_mb = 0;
};

// `after_count` is what stands behind the number of requests in the program's output.
std::optional<Run> run(const Command& command, std::string_view after_count) {
  const Ended ended = run_program(command);
  const std::size_t end = ended.output.find(after_count);
  if (ended.exit_status != 0 || end == std::string::npos) return std::nullopt;
  const std::size_t begin = ended.output.find_last_of(" \n", end - 1) + 1;
  return Run{std::stod(ended.output.substr(begin)), ended.cpu.count(), ended.peak_mb};
}

std::optional<LoadFigures> steady(const std::function<std::optional<Run>(int seconds)>& run_for,
                                  const LoadCase& load) {
  const int seconds = std::max(1, static_cast<int>(load.duration.count()));
  const auto shorter = run_for(seconds);
  const auto longer = shorter ? run_for(2 * seconds) : std::nullopt;
  if (!longer || longer->count <= shorter->count) return std::nullopt;
  const double count = longer->count - shorter->count;
  LoadFigures figures;
  figures.requests_per_second = count / seconds;
  figures.cpu_us = (longer->cpu_seconds - shorter->cpu_seconds) * 1e6 / count;
  figures.resident_mb = longer->peak_mb;
  return figures;
}

}  // namespace

std::optional<LoadFigures> measure_steady_wrk(const LoadCase& load) {
  return steady(
      [&](int seconds) {
        return run(
            {"wrk", "-t1", "-c" + std::to_string(load.in_flight),
             "-d" + std::to_string(seconds) + "s", "--timeout", "60s", "-H",
             "x-request-id: 00000000-0000-4000-8000-000000000000", "-H", "user-agent: PatientHttp",
             "-H", "accept-encoding: gzip, deflate, br, zstd", load.url},
            " requests in ");
      },
      load);
}

std::optional<LoadFigures> measure_steady_h2load(const LoadCase& load, std::size_t streams) {
  const std::size_t connections = std::max<std::size_t>(1, load.in_flight / streams);
  return steady(
      [&](int seconds) {
        return run(
            {"h2load", "-t1", "-c" + std::to_string(connections),
             "-m" + std::to_string(std::min(streams, load.in_flight)), "-D",
             std::to_string(seconds), "-H", "x-request-id: 00000000-0000-4000-8000-000000000000",
             "-H", "user-agent: PatientHttp", "-H", "accept-encoding: gzip, deflate, br, zstd",
             load.url},
            " total, ");
      },
      load);
}

}  // namespace patient_http::bench
