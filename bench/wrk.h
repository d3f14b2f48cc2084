#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace patient_http::bench {

struct WrkFigures {
  double requests_per_second = 0;
  double cpu_us = 0;  // per request
};

// Runs `wrk` with one thread and the same headers as ours. No value when it is not installed or
// fails.
[[nodiscard]] std::optional<WrkFigures> measure_wrk(const std::string& url, std::size_t connections,
                                                    int seconds);

}  // namespace patient_http::bench
