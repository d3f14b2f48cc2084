#include "engine/request_preparer.h"

#include <array>
#include <variant>

#include "base/text.h"

namespace patient_http::engine {

namespace {

// Headers that the engine itself decides on: the framing of the message and the connection.
constexpr std::array<std::string_view, 7> kOwnHeaders = {
    "content-length",     "transfer-encoding", "keep-alive", "proxy-connection", "upgrade", "te",
    "proxy-authorization"};

// Whether the request says itself which host it is for: in one text, or in a secret.
bool names_host(const HttpHeaders& headers) {
  const HttpHeaders::Value* host = headers.find("host");
  return host != nullptr && (std::holds_alternative<std::string>(*host) ||
                             std::holds_alternative<SecretReference>(*host));
}

bool is_own_header(std::string_view name) {
  for (const std::string_view own : kOwnHeaders) {
    if (name == own) return true;
  }
  return false;
}

tl::unexpected<UnpreparedRequest> missing_secret(const std::string& name) {
  return unexpected(
      UnpreparedRequest{ErrorKind::kSecretNotFound, "no secret is registered as \"" + name + "\""});
}

// Adds a header of the request, as a line per value. False for a secret that is not known.
bool add_header(const HttpHeaders::Entry& entry, PreparedRequest& prepared) {
  if (const auto* text = std::get_if<std::string>(&entry.value)) {
    prepared.headers.emplace_back(entry.name, *text);
  } else if (const auto* texts = std::get_if<std::vector<std::string>>(&entry.value)) {
    for (const std::string& each : *texts) prepared.headers.emplace_back(entry.name, each);
  } else if (std::holds_alternative<SecretReference>(entry.value)) {
    return false;
  }
  return true;
}

}  // namespace

Result<PreparedRequest, UnpreparedRequest> RequestPreparer::prepare(
    const Request& request, const std::string& hop_id) const {
  auto url = base::Url::parse(request.url());
  if (!url) return unexpected(UnpreparedRequest{ErrorKind::kInvalidRequest, url.error().message});
  if (!request.preprocessors().empty()) {
    return unexpected(UnpreparedRequest{
        ErrorKind::kPreprocessorNotFound,
        "no preprocessor is registered as \"" + request.preprocessors().front() + "\""});
  }
  if (!request.secret_params().empty())
    return missing_secret(request.secret_params()[0].second.name());

  const HttpHeaders& given = request.headers();
  PreparedRequest prepared{request.method(), std::move(*url), {}};
  prepared.headers.reserve(given.size() + 5);
  const bool own_host = !names_host(given);
  if (own_host) prepared.headers.emplace_back("host", prepared.url.origin().authority());
  for (const HttpHeaders::Entry& entry : given.entries()) {
    if (is_own_header(entry.name) || (own_host && entry.name == "host")) continue;
    if (!add_header(entry, prepared)) {
      return missing_secret(std::get<SecretReference>(entry.value).name());
    }
  }
  if (!prepared.url.userinfo().empty() && !given.contains("authorization")) {
    prepared.headers.emplace_back("authorization",
                                  "Basic " + base::base64_encode(prepared.url.userinfo()));
  }
  if (!given.contains("x-request-id")) prepared.headers.emplace_back("x-request-id", hop_id);
  if (!given.contains("user-agent") && !user_agent_.empty()) {
    prepared.headers.emplace_back("user-agent", user_agent_);
  }
  if (!given.contains("accept-encoding")) {
    prepared.headers.emplace_back("accept-encoding", "gzip, deflate");
  }
  return prepared;
}

}  // namespace patient_http::engine
