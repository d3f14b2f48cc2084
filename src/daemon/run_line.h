#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "patient_http/json.h"
#include "patient_http/processor_options.h"
#include "patient_http/request.h"
#include "patient_http/result.h"

namespace patient_http::daemon {

// A line of input, read.
struct RunLine {
  Json id;              // as it was given, or the line's number
  std::string id_text;  // ids are compared as texts
  Request request;
  Json callback_args;  // an object, or null
  std::optional<bool> raise_error_responses;
};

// Whether a line counts as blank and is skipped.
[[nodiscard]] bool is_blank(std::string_view line);

// Reads a line that is not blank; `number` is its place in the file, from 1. Secrets and
// preprocessors that it names must be among those of `engine`. The failure says what is wrong in it
// and what to write instead.
[[nodiscard]] Result<RunLine> parse_run_line(std::string_view line, std::uint64_t number,
                                             const ProcessorOptions& engine);

}  // namespace patient_http::daemon
