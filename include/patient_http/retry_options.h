#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "patient_http/invalid_value.h"
#include "patient_http/json.h"
#include "patient_http/result.h"
#include "patient_http/timeout.h"

namespace patient_http {

// What a request is sent again after. Whatever is named here, a request that may have been carried
// out is only sent again when it may be repeated: docs/reliability.md has the table.
struct RetryOn {
  // No address, no connection, a reset, a close.
  bool connection = true;
  // No response, or not all of it, in time.
  bool timeout = false;
  // Of responses, from 400 to 599.
  std::vector<int> statuses = {};

  // Adds "connection", "timeout" or a status ("503"). False when `word` is none of these.
  [[nodiscard]] bool add(std::string_view word);
  [[nodiscard]] bool has_status(int status) const;
  // Those words again.
  [[nodiscard]] std::vector<std::string> words() const;
  // Neither of the causes, for add().
  [[nodiscard]] static RetryOn nothing() { return {.connection = false}; }

  bool operator==(const RetryOn&) const = default;
};

// How a request is sent again. What is unset is the processor's.
struct RetryOptions {
  // Attempts after the first; 0 or more.
  std::optional<int> retries = std::nullopt;
  std::optional<RetryOn> on = std::nullopt;
  // The longest Retry-After that is waited for; a longer one makes the response the result. 0 or
  // more.
  std::optional<Timeout> max_retry_after = std::nullopt;
  // For all attempts and the waits between them, from the beginning of the first; greater than 0.
  std::optional<Timeout> max_time = std::nullopt;
  // The user's word that the request may be carried out twice, whatever its method.
  bool idempotent = false;

  [[nodiscard]] bool is_default() const { return *this == RetryOptions(); }
  // Names the member, as "retry.on", and the reason.
  [[nodiscard]] Result<void, InvalidValue> validate() const;

  // Of the stored form (docs/protocol.md); null is the default.
  [[nodiscard]] static Result<RetryOptions, InvalidValue> from_json(const Json& json);
  [[nodiscard]] Json to_json() const;

  bool operator==(const RetryOptions&) const = default;
};

// What becomes of a request that was interrupted when it may have been sent: its process stopped
// before it had a result, or died.
enum class OnInterrupted {
  kResend,  // it is sent again
  kError,   // an error of kind ErrorKind::kInterrupted says so
};

// "resend" or "error".
[[nodiscard]] std::string_view to_string(OnInterrupted what) noexcept;
[[nodiscard]] std::optional<OnInterrupted> parse_on_interrupted(std::string_view text) noexcept;

}  // namespace patient_http
