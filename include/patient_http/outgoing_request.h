#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "patient_http/http_method.h"

namespace patient_http {

// A request as it is about to be sent, its secrets filled in: what a preprocessor sees, and what it
// may change. Method, url and body can only be read, headers be changed, and params be added.
//
// Whatever it holds is wiped from memory when it goes; a preprocessor must not keep it.
class OutgoingRequest final {
 public:
  // Name in lower case, and value. A name may come several times: a line each.
  using Header = std::pair<std::string, std::string>;

  // `url` has no fragment. `body` must outlive this object.
  OutgoingRequest(HttpMethod method, std::string url, const std::optional<std::string>& body,
                  std::vector<Header> headers);
  ~OutgoingRequest();

  OutgoingRequest(const OutgoingRequest&) = delete;
  OutgoingRequest& operator=(const OutgoingRequest&) = delete;

  [[nodiscard]] HttpMethod method() const noexcept { return method_; }
  // The url that is sent, with the values of secret params, and the params added so far.
  [[nodiscard]] const std::string& url() const noexcept { return url_; }
  [[nodiscard]] const std::optional<std::string>& body() const noexcept { return body_; }

  // In the order in which they are sent. Those that frame the message (content-length and the like)
  // are not among them, and are not sent when they are set.
  [[nodiscard]] const std::vector<Header>& headers() const noexcept { return headers_; }
  // The first value of a header. Names are compared without case.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const noexcept;
  // Replaces all values of a header, at the place of the first; a new one comes last. Throws
  // std::invalid_argument when the name is no token (RFC 9110 §5.6.2), or when the value holds a
  // line break or another control character but tab.
  void set_header(std::string_view name, std::string_view value);
  // True when there was such a header.
  bool remove_header(std::string_view name);

  // Appends a parameter to the url's query, form-encoded.
  void add_param(std::string_view name, std::string_view value);

  // For logs and messages: method, url without query and credentials, names of headers, size of the
  // body. No values.
  [[nodiscard]] std::string to_string() const;

  // Moves the headers out. For the engine.
  [[nodiscard]] std::vector<Header> take_headers() noexcept { return std::move(headers_); }

 private:
  void add_header(std::string name, std::string value);
  bool remove_from(std::string_view name, std::ptrdiff_t place);

  HttpMethod method_;
  std::string url_;
  const std::optional<std::string>& body_;
  std::vector<Header> headers_;
};

}  // namespace patient_http
