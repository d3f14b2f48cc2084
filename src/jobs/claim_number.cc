#include "jobs/claim_number.h"

#include <charconv>

namespace patient_http::jobs {

namespace {

std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

}  // namespace

std::string to_claim_id(const ClaimNumber& number) {
  return std::to_string(number.process) + '-' + std::to_string(number.claim);
}

std::optional<ClaimNumber> parse_claim_id(std::string_view id) {
  const std::size_t dash = id.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto process = parse_number(id.substr(0, dash));
  const auto claim = parse_number(id.substr(dash + 1));
  if (!process || !claim) return std::nullopt;
  return ClaimNumber{*process, *claim};
}

}  // namespace patient_http::jobs
