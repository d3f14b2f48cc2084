#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "patient_http/error.h"
#include "patient_http/request.h"
#include "patient_http/result.h"

// What a redirect means for the request that met it. Pure functions, without I/O.
namespace patient_http::engine {

// The response is the result: no redirect, or one that is not followed.
struct KeepResponse {};

// `request` is to be sent next; `url` is its url.
struct FollowRedirect {
  Request request;
  std::string url;
  bool is_other_origin = false;
};

// The chain ends in an error.
struct RejectRedirect {
  // kTooManyRedirects, kRecursiveRedirect or kInvalidRedirect.
  ErrorKind kind;
  // The url that is not followed, absolute; of an invalid Location, the url that answered with it.
  std::string url;
  // Without query strings and credentials.
  std::string message;
};

using RedirectStep = std::variant<KeepResponse, FollowRedirect, RejectRedirect>;

// Whether the status asks for another request: 301, 302, 303, 307 and 308.
[[nodiscard]] bool is_followed_status(int status) noexcept;

// Decides what a response to `current` leads to. `visited` are the urls of the chain before
// `current`, which are also the redirects followed so far.
[[nodiscard]] RedirectStep decide_redirect(const Request& current, int status,
                                           std::optional<std::string_view> location,
                                           const std::vector<std::string>& visited,
                                           int max_redirects);

// The request that follows `current` to `location`, which may be relative.
//
// 301, 302 and 303 make it a GET without body; 307 and 308 keep method and body. To another origin
// it takes no credentials: no secrets, no preprocessors, no userinfo, and not the headers that
// carry some by custom. On the same origin it keeps all of them, but for the secret params that
// `location` gives itself.
//
// Fails when `location` is no http or https url.
[[nodiscard]] Result<Request> redirected_request(const Request& current, int status,
                                                 std::string_view location);

}  // namespace patient_http::engine
