#pragma once

#include <string>
#include <string_view>

#include "patient_http/result.h"

namespace patient_http::http {

// `text` in the form in which Ruby's URI writes it: the scheme in lower case, no default port,
// the host as it was, and what a query or fragment may not hold percent-encoded.
//
// Fails on what is no absolute http or https url, and, as Ruby does, on characters in the path
// that should have been percent-encoded. The failure ("must …") repeats neither the query nor
// credentials.
[[nodiscard]] Result<std::string> request_url(std::string_view text);

// The url that `reference` means when it stands where `base` (itself a request_url()) does, as
// RFC 3986 §5 resolves it, in the form of request_url(). Same failures.
[[nodiscard]] Result<std::string> resolve_request_url(const std::string& base,
                                                      std::string_view reference);

}  // namespace patient_http::http
