#pragma once

#include <chrono>
#include <string>

namespace patient_http::jobs {

// A time as Sidekiq 7 writes it, and Sidekiq 8 reads it: seconds with a decimal point.
[[nodiscard]] std::string sidekiq_time(std::chrono::system_clock::time_point time);

}  // namespace patient_http::jobs
