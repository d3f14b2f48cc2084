#include "jobs/sidekiq_time.h"

#include <cmath>

#include "base/json_text.h"

namespace patient_http::jobs {

std::string sidekiq_time(std::chrono::system_clock::time_point time) {
  const std::chrono::duration<double> seconds = time.time_since_epoch();
  return base::ruby_float(std::round(seconds.count() * 1e6) / 1e6);
}

}  // namespace patient_http::jobs
