#include "jobs/totals.h"

#include <charconv>
#include <cmath>
#include <string>

namespace patient_http::jobs {

void read_total(Statistics& statistics, std::string_view name, double value) {
  const std::int64_t count = std::llround(value);
  if (name == "requests") {
    statistics.requests = count;
  } else if (name == "duration") {
    statistics.duration = std::chrono::duration<double>(value);
  } else if (name == "errors") {
    statistics.errors = count;
  } else if (name.starts_with(kErrorPrefix)) {
    statistics.errors_by_type[std::string(name.substr(kErrorPrefix.size()))] = count;
  } else if (name.starts_with(kStatusPrefix)) {
    const std::string_view digits = name.substr(kStatusPrefix.size());
    int status = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), status);
    statistics.http_status[status] = count;
  }
}

}  // namespace patient_http::jobs
