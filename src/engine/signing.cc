#include "patient_http/signing.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "base/url.h"
#include "drivers/crypto/secret_bytes.h"
#include "drivers/crypto/sha256.h"
#include "engine/aws_signature.h"
#include "engine/hmac_message.h"
#include "engine/request_preparer.h"
#include "engine/sent_url.h"
#include "http/header_text.h"

namespace patient_http {

namespace {

using crypto::HmacDigest;
using crypto::SecretBytes;
using engine::AwsRequest;
using engine::AwsScope;
using engine::HmacMessage;
using engine::SentUrl;

// What others on the way may change or drop, and what names one attempt.
constexpr std::array<std::string_view, 17> kUnsignedHeaders = {
    "accept-encoding", "authorization", "cache-control",  "connection",   "expect",
    "forwarded",       "from",          "http2-settings", "max-forwards", "pragma",
    "referer",         "trailer",       "user-agent",     "via",          "x-amzn-trace-id",
    "x-forwarded-for", "x-request-id"};

void check(const std::vector<std::string>& wrong) {
  if (!wrong.empty()) throw std::invalid_argument(wrong.front());
}

std::chrono::system_clock::time_point time_of(const TimeFunction& now) {
  return now ? now() : std::chrono::system_clock::now();
}

// Empty when there is no value.
SecretBytes ask(const SecretFunction& function) {
  if (!function) return {};
  auto value = function();
  if (!value) return {};
  SecretBytes bytes(std::move(*value));
  crypto::wipe(*value);
  return bytes;
}

SecretBytes require(const SecretFunction& function, const char* what) {
  SecretBytes value = ask(function);
  if (value.view().empty()) throw std::runtime_error(std::string(what) + " is empty");
  return value;
}

void set_wiped(OutgoingRequest& request, std::string_view name, std::string value) {
  const SecretBytes bytes(std::move(value));
  request.set_header(name, bytes.view());
}

// Part of a credential scope: "us-east-1".
bool is_scope_part(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

bool is_of_s3(std::string_view service) {
  return service == "s3" || service == "s3-outposts" || service == "s3-object-lambda" ||
         service == "s3express";
}

class AwsSigner {
 public:
  explicit AwsSigner(AwsSigV4Options options) : options_(std::move(options)) {}

  void sign(OutgoingRequest& request) const {
    const SecretBytes id = require(options_.access_key_id, "the access key id");
    const SecretBytes key = require(options_.secret_access_key, "the secret access key");
    const SecretBytes token = ask(options_.session_token);
    const AwsScope scope{engine::aws_time(time_of(options_.now)), options_.region,
                         options_.service};
    const bool is_s3 = is_of_s3(options_.service);
    const std::string hash =
        options_.signs_body
            ? crypto::sha256_hex(request.body() ? std::string_view(*request.body()) : "")
            : "UNSIGNED-PAYLOAD";
    if (!request.header("host")) request.set_header("host", host_of(request));
    request.set_header("x-amz-date", scope.time);
    if (!token.view().empty()) request.set_header("x-amz-security-token", token.view());
    if (is_s3) request.set_header("x-amz-content-sha256", hash);

    const SentUrl url(request.url());
    AwsRequest signed_request{
        .method = to_wire(request.method()),
        .path = url.path,
        .query = url.query,
        .path_rule = is_s3 ? engine::AwsPath::kOfS3 : engine::AwsPath::kOfOthers,
        .payload_hash = hash};
    for (const auto& [name, value] : request.headers()) {
      if (is_signed(name)) signed_request.headers.emplace_back(name, value);
    }
    const std::string names = engine::aws_signed_headers(signed_request);
    const SecretBytes canonical(engine::aws_canonical_request(signed_request));
    const std::string signature = engine::aws_signature(
        key.view(), scope, engine::aws_string_to_sign(scope, canonical.view()));
    request.set_header("authorization", "AWS4-HMAC-SHA256 Credential=" + std::string(id.view()) +
                                            "/" + scope.text() + ", SignedHeaders=" + names +
                                            ", Signature=" + signature);
  }

 private:
  static bool is_signed(std::string_view name) {
    return !engine::is_own_header(name) &&
           std::find(kUnsignedHeaders.begin(), kUnsignedHeaders.end(), name) ==
               kUnsignedHeaders.end();
  }

  // What the engine sets when there is none.
  static std::string host_of(const OutgoingRequest& request) {
    return base::Url::parse(SentUrl(request.url()).origin).value().origin().authority();
  }

  AwsSigV4Options options_;
};

class HmacSigner {
 public:
  explicit HmacSigner(HmacOptions options)
      : options_(std::move(options)), message_(options_.parts, options_.separator) {}

  void sign(OutgoingRequest& request) const {
    const SecretBytes secret = require(options_.secret, "the secret");
    const auto since = time_of(options_.now).time_since_epoch();
    const std::string timestamp =
        std::to_string(std::chrono::floor<std::chrono::seconds>(since).count());
    if (!options_.timestamp_header.empty())
      request.set_header(options_.timestamp_header, timestamp);
    crypto::Hmac code(digest(), secret.view());
    message_.add_to(code, request, timestamp);
    const SecretBytes bytes = std::move(code).finish();
    request.set_header(options_.header,
                       options_.prefix + (options_.encoding == SignatureEncoding::kHex
                                              ? base::hex_encode(bytes.view())
                                              : base::base64_encode(bytes.view())));
  }

 private:
  [[nodiscard]] HmacDigest digest() const {
    switch (options_.algorithm) {
      case HmacAlgorithm::kSha1:
        return HmacDigest::kSha1;
      case HmacAlgorithm::kSha256:
        return HmacDigest::kSha256;
      case HmacAlgorithm::kSha512:
        return HmacDigest::kSha512;
    }
    return HmacDigest::kSha256;
  }

  HmacOptions options_;
  HmacMessage message_;
};

}  // namespace

std::vector<std::string> AwsSigV4Options::validate() const {
  std::vector<std::string> wrong;
  if (!is_scope_part(service)) {
    wrong.emplace_back("service must be the name that AWS signs with, such as s3 or bedrock");
  }
  if (!is_scope_part(region)) wrong.emplace_back("region must be a name such as us-east-1");
  if (!access_key_id) wrong.emplace_back("access_key_id must say where it is found");
  if (!secret_access_key) wrong.emplace_back("secret_access_key must say where it is found");
  if (!signs_body && !is_of_s3(service)) {
    wrong.emplace_back("signs_body may be false for the service s3 only");
  }
  return wrong;
}

Preprocessor aws_sigv4(AwsSigV4Options options) {
  check(options.validate());
  // Shared by the copies of the function: secrets are not copied with it.
  return [signer = std::make_shared<const AwsSigner>(std::move(options))](
             OutgoingRequest& request) { signer->sign(request); };
}

std::vector<std::string> HmacOptions::validate() const {
  std::vector<std::string> wrong;
  if (!secret) wrong.emplace_back("secret must say where it is found");
  if (!http::is_header_name(header)) {
    wrong.emplace_back("header must be the name of a header, such as x-signature");
  } else if (engine::is_own_header(base::ascii_lower(header))) {
    wrong.emplace_back("header must be one that is sent: the engine decides on " + header);
  }
  if (!http::is_header_value(prefix)) {
    wrong.emplace_back("prefix must not hold a line break or another control character");
  }
  if (parts.empty()) wrong.emplace_back("parts must not be empty: they say what is signed");
  for (const std::string& part : parts) {
    if (HmacMessage::is_part(part)) continue;
    wrong.push_back("parts has one that is not known, \"" + base::to_valid_utf8(part) +
                    "\"; there are " + HmacMessage::known_parts());
  }
  const bool signs_time = std::find(parts.begin(), parts.end(), "timestamp") != parts.end();
  if (signs_time && timestamp_header.empty()) {
    wrong.emplace_back("timestamp_header must name a header: timestamp is among the parts");
  } else if (!timestamp_header.empty() && !http::is_header_name(timestamp_header)) {
    wrong.emplace_back("timestamp_header must be the name of a header, such as x-timestamp");
  } else if (engine::is_own_header(base::ascii_lower(timestamp_header))) {
    wrong.emplace_back("timestamp_header must be one that is sent: the engine decides on " +
                       timestamp_header);
  } else if (!timestamp_header.empty() &&
             base::ascii_equal_ignoring_case(timestamp_header, header)) {
    wrong.emplace_back("timestamp_header must not be the header of the signature");
  }
  return wrong;
}

Preprocessor hmac_signature(HmacOptions options) {
  check(options.validate());
  return [signer = std::make_shared<const HmacSigner>(std::move(options))](
             OutgoingRequest& request) { signer->sign(request); };
}

Preprocessor bearer_token(SecretFunction token) {
  if (!token) throw std::invalid_argument("token must say where it is found");
  return
      [token = std::make_shared<const SecretFunction>(std::move(token))](OutgoingRequest& request) {
        constexpr std::string_view kScheme = "Bearer ";
        const SecretBytes value = require(*token, "the token");
        std::string text;
        text.reserve(kScheme.size() + value.view().size());
        set_wiped(request, "authorization", text.append(kScheme).append(value.view()));
      };
}

}  // namespace patient_http
