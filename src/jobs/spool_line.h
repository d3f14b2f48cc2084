#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "jobs/job_store.h"

// The lines of a spool file (docs/protocol.md).
namespace patient_http::jobs {

// The first line: whose results follow, and which store they are for.
struct SpoolHead {
  std::string process_id;
  std::string store;
};

// Without line feeds.
[[nodiscard]] std::string to_spool_line(const SpoolHead& head);
[[nodiscard]] std::string to_spool_line(const Completion& result);
// Empty when the line is not one.
[[nodiscard]] std::optional<SpoolHead> parse_spool_head(std::string_view line);
[[nodiscard]] std::optional<Completion> parse_spool_result(std::string_view line);

}  // namespace patient_http::jobs
