#include "engine/request_preparer.h"

#include <algorithm>
#include <array>
#include <exception>
#include <optional>
#include <variant>

#include "base/text.h"
#include "drivers/codec/decoder.h"
#include "drivers/crypto/wipe.h"
#include "engine/preprocessor_registry.h"
#include "engine/query_pair.h"
#include "http/header_text.h"

namespace patient_http::engine {

namespace {

// Headers that the engine itself decides on: the framing of the message and the connection.
constexpr std::array<std::string_view, 7> kOwnHeaders = {
    "content-length",     "transfer-encoding", "keep-alive", "proxy-connection", "upgrade", "te",
    "proxy-authorization"};

// Of what a user's function throws.
constexpr std::size_t kLongestReason = 500;

using Failed = tl::unexpected<UnpreparedRequest>;

Failed failed(ErrorKind kind, std::string message) {
  return unexpected(UnpreparedRequest{kind, std::move(message)});
}

std::string quoted(std::string_view what, std::string_view name) {
  return std::string(what).append(" \"").append(name).append("\"");
}

bool is_own_header(std::string_view name) {
  return std::find(kOwnHeaders.begin(), kOwnHeaders.end(), name) != kOwnHeaders.end();
}

bool has_header(const PreparedRequest& prepared, std::string_view name) {
  return std::any_of(prepared.headers.begin(), prepared.headers.end(),
                     [&](const auto& header) { return header.first == name; });
}

// Calls a function of the user. The failure is what it threw, without values of secrets.
template <class Call>
Result<void> call_user(const std::string& what, UserCallListener* calls,
                       const KnownSecrets& secrets, const Call& call) {
  if (calls != nullptr && !calls->may_call()) return failure("was not called any more");
  const auto start = std::chrono::steady_clock::now();
  std::optional<std::string> reason;
  try {
    call();
  } catch (const std::exception& error) {
    reason = base::what_of(error);
  } catch (...) {
    reason = "something that is no std::exception";
  }
  if (calls != nullptr) calls->on_called(what, std::chrono::steady_clock::now() - start);
  if (!reason) return {};
  std::string shown = secrets.mask(*reason, 1);
  crypto::wipe(*reason);
  if (shown.size() > kLongestReason) shown.resize(kLongestReason);
  return failure(base::to_valid_utf8(shown));
}

Result<void, UnpreparedRequest> resolve(const Ingredients& ingredients, UserCallListener* calls,
                                        PreparedRequest& prepared) {
  KnownSecrets& known = prepared.secrets;
  for (const auto& [name, secret] : ingredients.secrets) {
    if (!secret->is_function()) {
      known.add(name, secret);
      continue;
    }
    const std::string what = quoted("secret", name);
    std::optional<std::string> value;
    const auto called =
        call_user(what, calls, known, [&, &function = *secret] { value = function.call(); });
    if (!called) {
      return failed(ErrorKind::kSecretNotFound,
                    "the value of the " + what + " could not be had: " + called.error().message);
    }
    known.add(name, std::move(value));
  }
  return {};
}

// Whether the request says itself which host it is for: in one text, or in a secret.
bool names_host(const Request& request, const KnownSecrets& secrets) {
  const HttpHeaders::Value* host = request.headers().find("host");
  if (host == nullptr) return false;
  if (const auto* secret = std::get_if<SecretReference>(host)) {
    return secrets.find(secret->name()) != nullptr;
  }
  return std::holds_alternative<std::string>(*host);
}

// Adds a header of the request, as a line per value.
Result<void, UnpreparedRequest> add_header(const HttpHeaders::Entry& entry,
                                           PreparedRequest& prepared) {
  if (const auto* text = std::get_if<std::string>(&entry.value)) {
    prepared.headers.emplace_back(entry.name, *text);
  } else if (const auto* texts = std::get_if<std::vector<std::string>>(&entry.value)) {
    for (const std::string& each : *texts) prepared.headers.emplace_back(entry.name, each);
  } else if (const auto* secret = std::get_if<SecretReference>(&entry.value)) {
    const std::string* value = prepared.secrets.find(secret->name());
    if (value == nullptr) return {};
    if (!http::is_header_value(*value)) {
      return failed(ErrorKind::kInvalidRequest,
                    "the value of the " + quoted("secret", secret->name()) +
                        " cannot be sent in the header " + entry.name +
                        ": it holds a line break or another control character");
    }
    prepared.headers.emplace_back(entry.name, *value);
  }
  return {};
}

// How many lines the headers become at most. With room for all, none is moved.
std::size_t line_count(const HttpHeaders& headers) {
  constexpr std::size_t kOfOurs = 6;
  std::size_t count = headers.size() + kOfOurs;
  for (const HttpHeaders::Entry& entry : headers.entries()) {
    if (const auto* texts = std::get_if<std::vector<std::string>>(&entry.value)) {
      count += texts->size();
    }
  }
  return count;
}

// Adds what the request gives, with our id in the place of one that it gives, as in the gem.
Result<void, UnpreparedRequest> add_given_headers(const Request& request, const std::string& hop_id,
                                                  PreparedRequest& prepared) {
  const HttpHeaders& given = request.headers();
  prepared.headers.reserve(line_count(given));
  const bool own_host = !names_host(request, prepared.secrets);
  if (own_host) prepared.headers.emplace_back("host", prepared.origin.authority());
  for (const HttpHeaders::Entry& entry : given.entries()) {
    if (is_own_header(entry.name) || (own_host && entry.name == "host")) continue;
    if (entry.name == "x-request-id") {
      prepared.headers.emplace_back(entry.name, hop_id);
    } else if (auto added = add_header(entry, prepared); !added) {
      return added;
    }
  }
  return {};
}

// Runs the preprocessors, and takes over what they changed. `url` is without its fragment.
Result<void, UnpreparedRequest> preprocess(const Request& request, std::string url,
                                           const Ingredients& ingredients, UserCallListener* calls,
                                           PreparedRequest& prepared) {
  for (const auto& [name, secret] : request.secret_params()) {
    const std::string* value = prepared.secrets.find(secret.name());
    append_query_pair(url, name, value ? std::optional<std::string_view>(*value) : std::nullopt);
  }
  const std::size_t size = url.size();
  OutgoingRequest outgoing(request.method(), std::move(url), request.body(),
                           std::move(prepared.headers));
  for (const auto& [name, preprocessor] : ingredients.preprocessors) {
    const std::string what = quoted("preprocessor", name);
    const auto called =
        call_user(what, calls, prepared.secrets, [&, &run = *preprocessor] { run(outgoing); });
    if (!called) {
      return failed(ErrorKind::kPreprocessorFailed, what + " failed: " + called.error().message);
    }
  }
  // The same separator and pairs fit the target: it has a '?' when the url has one.
  append_wiping(prepared.target, std::string_view(outgoing.url()).substr(size));
  for (const std::string_view own : kOwnHeaders) outgoing.remove_header(own);
  prepared.headers = outgoing.take_headers();
  if (!has_header(prepared, "host")) {
    prepared.headers.emplace(prepared.headers.begin(), "host", prepared.origin.authority());
  }
  return {};
}

}  // namespace

bool Ingredients::has_user_code() const {
  return !preprocessors.empty() ||
         std::any_of(secrets.begin(), secrets.end(),
                     [](const NamedSecret& each) { return each.secret->is_function(); });
}

Result<Ingredients, UnpreparedRequest> RequestPreparer::look_up(const Request& request) const {
  Ingredients ingredients;
  const auto add = [&](const SecretReference& reference) {
    const auto is_known = [&](const auto& each) { return each.name == reference.name(); };
    if (std::any_of(ingredients.secrets.begin(), ingredients.secrets.end(), is_known)) return true;
    auto secret = secrets_.registry().find(reference.name());
    if (!secret) return false;
    ingredients.secrets.push_back({reference.name(), std::move(secret)});
    return true;
  };
  const auto missing = [](const SecretReference& reference) {
    return failed(ErrorKind::kSecretNotFound,
                  "no secret is registered as \"" + reference.name() + "\"");
  };
  for (const HttpHeaders::Entry& entry : request.headers().entries()) {
    const auto* reference = std::get_if<SecretReference>(&entry.value);
    if (reference != nullptr && !is_own_header(entry.name) && !add(*reference)) {
      return missing(*reference);
    }
  }
  for (const auto& [name, reference] : request.secret_params()) {
    if (!add(reference)) return missing(reference);
  }
  for (const std::string& name : request.preprocessors()) {
    auto preprocessor = preprocessors_.registry().find(name);
    if (!preprocessor) {
      return failed(ErrorKind::kPreprocessorNotFound,
                    "no preprocessor is registered as \"" + name + "\"");
    }
    ingredients.preprocessors.push_back({name, std::move(preprocessor)});
  }
  return ingredients;
}

Result<PreparedRequest, UnpreparedRequest> RequestPreparer::prepare(const Request& request,
                                                                    HopIds ids,
                                                                    const Ingredients& ingredients,
                                                                    UserCallListener* calls) const {
  auto url = base::Url::parse(request.url());
  if (!url) return failed(ErrorKind::kInvalidRequest, url.error().message);
  PreparedRequest prepared;
  prepared.method = request.method();
  prepared.origin = url->origin();
  const Proxy* const forwarder = forwarder_of(prepared.origin);
  if (forwarder != nullptr) prepared.target = prepared.origin.text();
  prepared.target += url->target();
  prepared.holds_secrets = !ingredients.secrets.empty() || !ingredients.preprocessors.empty() ||
                           (forwarder != nullptr && !forwarder->authorization.empty());
  if (auto done = resolve(ingredients, calls, prepared); !done) return unexpected(done.error());
  for (const auto& [name, secret] : request.secret_params()) {
    const std::string* value = prepared.secrets.find(secret.name());
    append_query_pair(prepared.target, name,
                      value ? std::optional<std::string_view>(*value) : std::nullopt);
  }
  if (auto done = add_given_headers(request, ids.request_id, prepared); !done) {
    return unexpected(done.error());
  }
  add_own_headers(request.headers(), url->userinfo(), std::move(ids), prepared);
  if (!ingredients.preprocessors.empty()) {
    std::string text = url->text().substr(0, url->text().find('#'));
    if (auto done = preprocess(request, std::move(text), ingredients, calls, prepared); !done) {
      return unexpected(done.error());
    }
  }
  // The last: no function of the user sees it.
  if (forwarder != nullptr && !forwarder->authorization.empty()) {
    prepared.headers.emplace_back("proxy-authorization", forwarder->authorization);
  }
  return prepared;
}

const Proxy* RequestPreparer::forwarder_of(const base::Origin& origin) const {
  if (proxies_ == nullptr) return nullptr;
  const Route route = proxies_->route_of(origin);
  return route.kind == Route::Kind::kForward ? route.proxy : nullptr;
}

void RequestPreparer::add_own_headers(const HttpHeaders& given, const std::string& userinfo,
                                      HopIds ids, PreparedRequest& prepared) const {
  if (!userinfo.empty() && !given.contains("authorization")) {
    prepared.headers.emplace_back("authorization", "Basic " + base::base64_encode(userinfo));
  }
  if (!given.contains("x-request-id"))
    prepared.headers.emplace_back("x-request-id", std::move(ids.request_id));
  if (!ids.idempotency_key.empty() && !given.contains(kIdempotencyKey)) {
    prepared.headers.emplace_back(kIdempotencyKey, std::move(ids.idempotency_key));
  }
  if (!given.contains("user-agent") && !user_agent_.empty()) {
    prepared.headers.emplace_back("user-agent", user_agent_);
  }
  if (!given.contains("accept-encoding")) {
    prepared.headers.emplace_back("accept-encoding", codec::kAcceptEncoding);
  }
}

}  // namespace patient_http::engine
