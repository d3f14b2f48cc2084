#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace patient_http::jobs {

// Why a job failed.
struct JobFailure {
  // Of the exception, as far as it is known: "std::runtime_error".
  std::string error_class;
  std::string message;
};

// A message in valid UTF-8, of at most 10,000 bytes, and not cut within a character.
[[nodiscard]] std::string shortened(std::string message);

// The class of the failure of a job whose data cannot be read.
inline constexpr const char* kUnreadableClass = "PatientHttp::UnreadableJobError";

// What becomes of a job that failed.
struct NextTry {
  // The job with the fields in which Sidekiq keeps its failures; every other byte as it was.
  std::string bytes;
  // Without it there is no further try.
  std::optional<std::chrono::system_clock::time_point> at;
};

// Decides as Sidekiq does: a job is tried `retry` times again (true: 25; false: never), or as long
// as its `retry_for` says, in its `retry_queue` if it has one, after count^4 + 15 seconds and a
// random part of 10 * (count + 1) more. `random` is from 0 to below 1. A pure function. REQUIRES:
// `bytes` is the text of a JSON object.
[[nodiscard]] NextTry next_try(std::string_view bytes, const JobFailure& failure,
                               std::chrono::system_clock::time_point now, double random);

}  // namespace patient_http::jobs
