#include "patient_http/outgoing_request.h"

#include <algorithm>
#include <stdexcept>

#include "base/text.h"
#include "base/url.h"
#include "drivers/crypto/wipe.h"
#include "engine/query_pair.h"
#include "http/header_text.h"

namespace patient_http {

OutgoingRequest::OutgoingRequest(HttpMethod method, std::string url,
                                 const std::optional<std::string>& body,
                                 std::vector<Header> headers)
    : method_(method), url_(std::move(url)), body_(body), headers_(std::move(headers)) {}

OutgoingRequest::~OutgoingRequest() {
  crypto::wipe(url_);
  for (Header& header : headers_) crypto::wipe(header.second);
}

std::optional<std::string_view> OutgoingRequest::header(std::string_view name) const noexcept {
  for (const Header& header : headers_) {
    if (base::ascii_equal_ignoring_case(header.first, name)) return header.second;
  }
  return std::nullopt;
}

void OutgoingRequest::set_header(std::string_view name, std::string_view value) {
  if (!http::is_header_name(name)) {
    throw std::invalid_argument("a header's name must be a token (RFC 9110)");
  }
  // The value may be a credential: it is not repeated.
  if (!http::is_header_value(value)) {
    throw std::invalid_argument("the value of the header " + base::ascii_lower(name) +
                                " holds a line break or another control character");
  }
  std::string text(value);  // before the old one goes, for it may be a part of that
  const auto first = std::find_if(headers_.begin(), headers_.end(), [&](const Header& header) {
    return base::ascii_equal_ignoring_case(header.first, name);
  });
  if (first == headers_.end()) {
    add_header(base::ascii_lower(name), std::move(text));
    return;
  }
  first->second.swap(text);
  crypto::wipe(text);
  remove_from(name, first - headers_.begin() + 1);
}

bool OutgoingRequest::remove_header(std::string_view name) {
  return remove_from(name, 0);
}

void OutgoingRequest::add_header(std::string name, std::string value) {
  if (headers_.size() == headers_.capacity()) {
    // A short value is copied when the vector grows.
    std::vector<Header> larger;
    larger.reserve(2 * headers_.size() + 8);
    for (Header& header : headers_) {
      larger.emplace_back().swap(header);
      crypto::wipe(header.second);
    }
    headers_.swap(larger);
  }
  headers_.emplace_back(std::move(name), std::move(value));
}

// Removes what comes at `place` or after it; true when there was something.
bool OutgoingRequest::remove_from(std::string_view name, std::ptrdiff_t place) {
  const auto rest = std::remove_if(
      headers_.begin() + place, headers_.end(),
      [&](const Header& header) { return base::ascii_equal_ignoring_case(header.first, name); });
  if (rest == headers_.end()) return false;
  for (auto header = rest; header != headers_.end(); ++header) crypto::wipe(header->second);
  headers_.erase(rest, headers_.end());
  return true;
}

void OutgoingRequest::add_param(std::string_view name, std::string_view value) {
  // They may be parts of the url, which moves when it grows.
  std::string own_name(name);
  std::string own_value(value);
  engine::append_query_pair(url_, own_name, own_value);
  crypto::wipe(own_name);
  crypto::wipe(own_value);
}

std::string OutgoingRequest::to_string() const {
  std::string text(to_wire(method_));
  text.append(" ").append(base::redact_url(url_)).append(" (headers: ");
  for (const Header& header : headers_) {
    if (&header != &headers_.front()) text.append(", ");
    text.append(header.first);
  }
  return text.append("; body: ")
      .append(std::to_string(body_ ? body_->size() : 0))
      .append(" bytes)");
}

}  // namespace patient_http
