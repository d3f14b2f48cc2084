#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace patient_http::jobs {

// A claim id of the SQLite store: "<process number>-<claim number>". Neither is ever used again.
struct ClaimNumber {
  std::int64_t process = 0;
  std::int64_t claim = 0;
};

[[nodiscard]] std::string to_claim_id(const ClaimNumber& number);
[[nodiscard]] std::optional<ClaimNumber> parse_claim_id(std::string_view id);

}  // namespace patient_http::jobs
