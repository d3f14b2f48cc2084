#include "jobs/retry_schedule.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "base/json_splice.h"
#include "base/json_text.h"
#include "base/text.h"
#include "jobs/sidekiq_time.h"
#include "patient_http/json.h"

namespace patient_http::jobs {

namespace {

using std::chrono::duration;
using std::chrono::system_clock;

constexpr std::int64_t kDefaultRetries = 25;
constexpr std::size_t kLongestMessage = 10'000;

Json member(std::string_view bytes, std::string_view key) {
  const auto text = base::find_json_member(bytes, key);
  if (!text) return {};
  auto parsed = Json::parse(*text);
  return parsed ? std::move(*parsed) : Json();
}

std::int64_t allowed_retries(std::string_view bytes) {
  const Json retry = member(bytes, "retry");
  if (const bool* is_on = retry.if_bool()) return *is_on ? kDefaultRetries : 0;
  return retry.to_int64().value_or(kDefaultRetries);
}

// Sidekiq 7 writes seconds as a float, Sidekiq 8 milliseconds as an integer.
std::optional<double> seconds_at(const Json& time) {
  const auto number = time.to_double();
  if (!number) return std::nullopt;
  return time.is_integer() ? *number / 1000 : *number;
}

bool is_exhausted(std::string_view bytes, std::int64_t count, double now) {
  if (const auto retry_for = member(bytes, "retry_for").to_double()) {
    return seconds_at(member(bytes, "failed_at")).value_or(now) + *retry_for < now;
  }
  return count >= allowed_retries(bytes);
}

}  // namespace

std::string shortened(std::string message) {
  message = base::to_valid_utf8(message);
  if (message.size() <= kLongestMessage) return message;
  std::size_t end = kLongestMessage;
  while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xC0) == 0x80) --end;
  message.resize(end);
  return message;
}

NextTry next_try(std::string_view bytes, const JobFailure& failure, system_clock::time_point now,
                 double random) {
  const double seconds = duration<double>(now.time_since_epoch()).count();
  const std::optional<std::int64_t> before = member(bytes, "retry_count").to_int64();
  const std::int64_t count = before ? std::clamp<std::int64_t>(*before, -1, 1'000'000) + 1 : 0;

  NextTry next{std::string(bytes), std::nullopt};
  const auto set = [&](std::string_view key, const std::string& value) {
    base::set_json_member(next.bytes, key, value);
  };
  set("error_message", base::json_string(shortened(failure.message)));
  set("error_class", base::json_string(failure.error_class));
  set(before ? "retried_at" : "failed_at", sidekiq_time(now));
  set("retry_count", std::to_string(count));
  if (is_exhausted(next.bytes, count, seconds)) return next;
  const Json queue = member(bytes, "retry_queue");
  if (const std::string* name = queue.if_string()) set("queue", base::json_string(*name));

  const double tries = static_cast<double>(count);
  // A year, so that no job's own numbers take it out of the calendar.
  const double delay =
      std::min(std::pow(tries, 4) + 15 + random * 10 * (tries + 1), 365.0 * 24 * 3600);
  next.at = now + std::chrono::duration_cast<system_clock::duration>(duration<double>(delay));
  return next;
}

}  // namespace patient_http::jobs
