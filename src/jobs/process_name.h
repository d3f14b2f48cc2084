#pragma once

#include <string>

namespace patient_http::jobs {

// What the kernel calls this host.
[[nodiscard]] std::string host_name();

// "<host>:<pid>", which begins the id of a process. What the id is parted by (':' and '/') is '-'
// in the host.
[[nodiscard]] std::string process_prefix();

}  // namespace patient_http::jobs
