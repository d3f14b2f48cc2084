#pragma once

#include <string_view>

#include "patient_http/service_status.h"

namespace patient_http::jobs {

// The names of the statistics in every store: those of the gem's `totals`.
inline constexpr std::string_view kErrorPrefix = "errors:";
inline constexpr std::string_view kStatusPrefix = "http_status:";

// Sets what `name` stands for. Names that nobody knows are left out.
void read_total(Statistics& statistics, std::string_view name, double value);

}  // namespace patient_http::jobs
