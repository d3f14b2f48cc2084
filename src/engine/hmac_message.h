#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/crypto/hmac.h"
#include "patient_http/outgoing_request.h"

namespace patient_http::engine {

// What of a request an HMAC covers: the parts of HmacOptions, read once.
class HmacMessage {
 public:
  // REQUIRES: each of `parts` is_part().
  HmacMessage(const std::vector<std::string>& parts, std::string separator);

  [[nodiscard]] static bool is_part(std::string_view text);
  // "method, host, …", for messages.
  [[nodiscard]] static std::string known_parts();

  // `timestamp` in seconds since 1970.
  void add_to(crypto::Hmac& code, const OutgoingRequest& request, std::string_view timestamp) const;

 private:
  enum class Kind { kMethod, kHost, kPath, kQuery, kBody, kBodySha256, kTimestamp, kHeader, kText };
  struct Part {
    Kind kind = Kind::kText;
    std::string text = {};  // the header's name in lower case, or the text
  };

  [[nodiscard]] static std::optional<Part> parse(std::string_view text);
  static void add_header(crypto::Hmac& code, const OutgoingRequest& request, std::string_view name);

  std::vector<Part> parts_;
  std::string separator_;
};

}  // namespace patient_http::engine
