#include "http/retry_after.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"

namespace patient_http::http {

namespace {

using std::chrono::system_clock;
using Seconds = std::chrono::duration<double>;

constexpr Seconds kCentury{100 * 365.25 * 24 * 3600};

constexpr std::array kDays =
    std::to_array<std::string_view>({"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"});
constexpr std::array kMonths = std::to_array<std::string_view>(
    {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"});

bool is_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// REQUIRES: at most 9 digits.
std::optional<int> to_int(std::string_view digits) {
  if (!is_digits(digits)) return std::nullopt;
  int number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

Seconds to_seconds(std::string_view digits) {
  constexpr std::size_t kMostDigits = 9;  // more than a decade
  const std::size_t zeros = std::min(digits.find_first_not_of('0'), digits.size());
  digits.remove_prefix(zeros);
  if (digits.size() > kMostDigits + 1) return kCentury;
  double seconds = 0;
  for (const char digit : digits) seconds = seconds * 10 + (digit - '0');
  return std::min(Seconds(seconds), kCentury);
}

template <std::size_t N>
std::optional<unsigned> place_in(const std::array<std::string_view, N>& names,
                                 std::string_view name) {
  const auto* const found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<unsigned>(found - names.begin());
}

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<system_clock::time_point> parse_date(std::string_view text) {
  constexpr std::string_view kForm = "ddd, nn mmm nnnn nn:nn:nn GMT";
  if (text.size() != kForm.size()) return std::nullopt;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    const bool is_free = kForm[i] == 'd' || kForm[i] == 'm' || kForm[i] == 'n';
    if (!is_free && text[i] != kForm[i]) return std::nullopt;
  }
  const auto weekday = place_in(kDays, text.substr(0, 3));
  const auto day = to_int(text.substr(5, 2));
  const auto month = place_in(kMonths, text.substr(8, 3));
  const auto year = to_int(text.substr(12, 4));
  const auto hour = to_int(text.substr(17, 2));
  const auto minute = to_int(text.substr(20, 2));
  const auto second = to_int(text.substr(23, 2));
  if (!weekday || !day || !month || !year || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(*month + 1),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  // A leap second is :60.
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  // The clock of nanoseconds begins in 1677 and ends in 2262.
  if (*year < 1970) return system_clock::time_point();
  if (*year > 2200) return system_clock::time_point::max();
  return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second);
}

}  // namespace

std::optional<Seconds> parse_retry_after(std::string_view text, system_clock::time_point now) {
  text = base::trim(text);
  if (is_digits(text)) return to_seconds(text);
  const auto date = parse_date(text);
  if (!date) return std::nullopt;
  // As seconds: the difference of the two may be beyond the clock's.
  const Seconds wait = Seconds(date->time_since_epoch()) - Seconds(now.time_since_epoch());
  return std::clamp(wait, Seconds{0}, kCentury);
}

}  // namespace patient_http::http
