#include "engine/redirect_policy.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/credential_headers.h"
#include "base/text.h"
#include "base/url.h"
#include "http/request_url.h"

namespace patient_http::engine {

namespace {

// A key that one server knows, and a host that was meant for another one; credentials besides.
constexpr std::array kBoundToOrigin = std::to_array<std::string_view>({"idempotency-key", "host"});
// What describes a body; content-type stays, as the gem keeps it.
constexpr std::array kBoundToBody =
    std::to_array<std::string_view>({"content-length", "transfer-encoding"});

bool keeps_body(int status) {
  return status == 307 || status == 308;
}

template <std::size_t N>
bool is_in(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The absolute url of a Location. What Ruby would refuse for want of percent-encoding is encoded,
// as browsers do.
Result<std::string> resolve(const std::string& base, std::string_view location) {
  if (auto url = http::resolve_request_url(base, location)) return url;
  const auto parsed = base::Url::parse(base);
  if (!parsed) return failure(parsed.error().message);
  auto resolved = parsed->resolve(location);
  if (!resolved) return failure(std::move(resolved.error().message));
  return http::request_url(resolved->text());
}

HttpHeaders headers_for(const HttpHeaders& headers, bool same_origin, bool with_body) {
  HttpHeaders kept;
  for (const auto& [name, value] : headers.entries()) {
    if (!with_body && is_in(kBoundToBody, name)) continue;
    if (!same_origin && (std::holds_alternative<SecretReference>(value) ||
                         base::is_credential_header(name) || is_in(kBoundToOrigin, name))) {
      continue;
    }
    kept.set(name, value);
  }
  return kept;
}

// Whether a query ("a=1&b") has a parameter of that name.
bool has_param(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    const std::string_view key = pair.substr(0, pair.find('='));
    if (base::form_decode(key) == name) return true;
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return false;
}

std::string_view query_of(const base::Url& url) {
  const std::string_view target = url.target();
  const std::size_t question = target.find('?');
  return question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
}

std::string message_for(const std::string& what, std::string_view location,
                        const std::string& from) {
  return what + " " + base::redact_url(location) + ", to which " + base::redact_url(from) +
         " redirected";
}

}  // namespace

bool is_followed_status(int status) noexcept {
  return status == 301 || status == 302 || status == 303 || keeps_body(status);
}

Result<Request> redirected_request(const Request& current, int status, std::string_view location) {
  auto target = resolve(current.url(), location);
  if (!target) return unexpected(std::move(target.error()));
  const auto from = base::Url::parse(current.url());
  const auto to = base::Url::parse(*target);
  if (!from) return unexpected(from.error());
  if (!to) return unexpected(to.error());
  const bool same_origin = from->origin() == to->origin();

  RequestOptions options;
  options.method = keeps_body(status) ? current.method() : HttpMethod::kGet;
  options.url = std::move(*target);
  if (keeps_body(status)) options.body = current.body();
  options.headers = headers_for(current.headers(), same_origin, options.body.has_value());
  options.timeout = current.timeout_as_given();
  options.max_redirects = current.max_redirects();
  options.is_untrusted = current.is_untrusted();
  if (same_origin) {
    options.preprocessors = current.preprocessors();
    for (const auto& [name, secret] : current.secret_params()) {
      if (!has_param(query_of(*to), name)) options.params.push_back({name, secret.to_json()});
    }
  }
  auto request = Request::create(std::move(options));
  if (!request) return failure(request.error().message());
  return std::move(*request);
}

RedirectStep decide_redirect(const Request& current, int status,
                             std::optional<std::string_view> location,
                             const std::vector<std::string>& visited, int max_redirects) {
  const std::string_view target = location ? base::trim(*location) : std::string_view();
  if (!is_followed_status(status) || target.empty() || max_redirects <= 0) return KeepResponse{};

  auto request = redirected_request(current, status, target);
  if (!request) {
    return RejectRedirect{ErrorKind::kInvalidRedirect, current.url(),
                          message_for("cannot follow a redirect to", target, current.url()) + ": " +
                              request.error().message};
  }
  const std::string url = request->url();
  const auto reject = [&](ErrorKind kind, const std::string& what) {
    return RejectRedirect{kind, url, message_for(what, url, current.url())};
  };
  if (std::ssize(visited) >= max_redirects) {
    return reject(ErrorKind::kTooManyRedirects,
                  "too many redirects (" + std::to_string(visited.size() + 1) + " of at most " +
                      std::to_string(max_redirects) + "): did not follow");
  }
  const auto next = base::Url::parse(url);
  const std::string wanted = next->normalized();
  const auto is_wanted = [&wanted](const std::string& known) {
    const auto parsed = base::Url::parse(known);
    return parsed && parsed->normalized() == wanted;
  };
  if (is_wanted(current.url()) || std::any_of(visited.begin(), visited.end(), is_wanted)) {
    return reject(ErrorKind::kRecursiveRedirect, "redirect loop: did not follow again");
  }
  const auto from = base::Url::parse(current.url());
  return FollowRedirect{std::move(*request), url, !from || from->origin() != next->origin()};
}

}  // namespace patient_http::engine
