#include "daemon/run_check.h"

#include "base/json_text.h"
#include "daemon/id_set.h"
#include "daemon/line_reader.h"
#include "daemon/run_line.h"
#include "drivers/crypto/sha256.h"

namespace patient_http::daemon {

namespace {

constexpr std::chrono::milliseconds kPatience{100};
constexpr std::uint64_t kMostReported = 1000;

}  // namespace

RunResult<CheckedInput> check_input(const std::string& path, int fd, const ProcessorOptions& engine,
                                    const std::function<void(const std::string&)>& report,
                                    const std::function<bool()>& is_stopped) {
  CheckedInput checked;
  LineReader reader(fd);
  crypto::Sha256 hash;
  IdSet ids;
  std::uint64_t number = 0;
  std::uint64_t bad = 0;
  const auto complain = [&](const std::string& reason) {
    if (++bad <= kMostReported) report(path + ":" + std::to_string(number) + ": " + reason);
  };
  for (;;) {
    const LineReader::Got got = reader.next(kPatience);
    if (got == LineReader::Got::kFailed) return run_failure(kUsage, path + ": " + reader.error());
    if (got == LineReader::Got::kEnd) break;
    const bool is_slow = got == LineReader::Got::kNothingYet;
    if ((is_slow || number % 1000 == 0) && is_stopped()) break;
    if (is_slow) continue;
    ++number;
    hash.add(reader.raw());
    if (is_blank(reader.line())) continue;
    const auto line = parse_run_line(reader.line(), number, engine);
    if (!line) {
      complain(line.error().message);
    } else if (!ids.insert(line->id_text)) {
      complain("id " + base::json_string(line->id_text) + " was given before; ids must differ");
    } else {
      ++checked.requests;
    }
  }
  if (bad > 0) {
    return run_failure(kUsage,
                       path + ": " + std::to_string(bad) + " of " + std::to_string(number) +
                           " lines are bad, nothing was sent; mend them, or run the good ones "
                           "with --lenient");
  }
  checked.sha256 = hash.hex();
  checked.lines = number;
  return checked;
}

}  // namespace patient_http::daemon
