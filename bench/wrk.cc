#include "wrk.h"

#include "child_process.h"

namespace patient_http::bench {

std::optional<WrkFigures> measure_wrk(const std::string& url, std::size_t connections,
                                      int seconds) {
  const Ended ended = run_program(
      {"wrk", "-t1", "-c" + std::to_string(connections), "-d" + std::to_string(seconds) + "s",
       "--timeout", "60s", "-H", "x-request-id: 00000000-0000-4000-8000-000000000000", "-H",
       "user-agent: PatientHttp", "-H", "accept-encoding: gzip, deflate, br, zstd", url});
  const std::size_t count_end = ended.output.find(" requests in ");
  const std::size_t rate = ended.output.find("Requests/sec:");
  if (ended.exit_status != 0 || count_end == std::string::npos || rate == std::string::npos) {
    return std::nullopt;
  }
  const std::size_t count_begin = ended.output.rfind('\n', count_end) + 1;
  const double count = std::stod(ended.output.substr(count_begin));
  return WrkFigures{std::stod(ended.output.substr(rate + 13)), ended.cpu.count() * 1e6 / count};
}

}  // namespace patient_http::bench
