#pragma once

#include <string>

#include "patient_http/processor_options.h"
#include "patient_http/request.h"
#include "support/recording_task_handler.h"

namespace patient_http::test {

// What a request came to, and when.
struct Outcome {
  std::string text;          // the body, "(none)" where there is none, or "error " and its kind
  std::string message = {};  // of the error
  std::chrono::duration<double> took{0};
};

// Carries out `request` on a Processor that carries out others at the same time, on a server that
// keeps to the rules: some are in flight all the while, some come and go. Expects that all of those
// end well.
[[nodiscard]] Outcome outcome_among_neighbours(RequestOptions request,
                                               const ProcessorOptions& options);

// The text of an Outcome.
[[nodiscard]] std::string text_of(const RecordedOutcome& outcome);

}  // namespace patient_http::test
