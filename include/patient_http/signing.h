#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "patient_http/preprocessors.h"
#include "patient_http/secret_manager.h"

// Preprocessors that sign, for Preprocessors::register_preprocessor(). A request names them last,
// behind whatever else changes it: a signature covers what it finds.
//
// They ask for their secrets each time they sign, so that values that change are found, and wipe
// what they got. secret_sources.h has functions for the usual places. A secret that is empty, has
// no value or cannot be had fails the request (ErrorKind::kPreprocessorFailed); no message holds a
// value.
//
// The time of day comes from `now`, or from the system where that is not set.
namespace patient_http {

using TimeFunction = std::function<std::chrono::system_clock::time_point()>;

struct AwsSigV4Options {
  // As AWS writes them in a credential scope: "s3", "bedrock", "execute-api"; "eu-central-1".
  std::string service = {};
  std::string region = {};
  SecretFunction access_key_id = {};
  SecretFunction secret_access_key = {};
  // For temporary credentials; not set, or without a value: there is none.
  SecretFunction session_token = {};
  // False: the body is left out of the signature ("UNSIGNED-PAYLOAD"), which only S3 takes.
  bool signs_body = true;
  TimeFunction now = {};

  // Everything that is wrong, a sentence each; empty when all is well.
  [[nodiscard]] std::vector<std::string> validate() const;
};

// AWS Signature Version 4, in headers: sets x-amz-date, x-amz-security-token with a session token,
// for S3 x-amz-content-sha256, and authorization.
//
// Covers method, path, query, body, and all headers but those that others on the way may change or
// that the engine decides on: accept-encoding, user-agent, x-request-id and the like. Throws
// std::invalid_argument when an option is wrong.
[[nodiscard]] Preprocessor aws_sigv4(AwsSigV4Options options);

enum class HmacAlgorithm { kSha1, kSha256, kSha512 };
enum class SignatureEncoding { kHex, kBase64 };

struct HmacOptions {
  SecretFunction secret = {};
  // Gets `prefix` and the signature behind it.
  std::string header = "x-signature";
  std::string prefix = {};
  HmacAlgorithm algorithm = HmacAlgorithm::kSha256;
  SignatureEncoding encoding = SignatureEncoding::kHex;
  // What is signed: these, with `separator` between them.
  //   method       in capitals
  //   host         of the url, with its port unless it is the default one
  //   path, query  of the url, as they are sent; the query without its '?', or nothing
  //   body         as it is sent, or nothing
  //   body_sha256  the same as 64 hex digits
  //   timestamp    seconds since 1970, which are also set in timestamp_header
  //   header:NAME  the values of a header, with ", " between them, or nothing
  //   text:TEXT    that text
  std::vector<std::string> parts = {"body"};
  std::string separator = "\n";
  // Set, and replaced, before anything is signed; empty: no header.
  std::string timestamp_header = {};
  TimeFunction now = {};

  // Everything that is wrong, a sentence each; empty when all is well.
  [[nodiscard]] std::vector<std::string> validate() const;
};

// Throws std::invalid_argument when an option is wrong.
[[nodiscard]] Preprocessor hmac_signature(HmacOptions options);

// Sets authorization to "Bearer <token>". Throws std::invalid_argument when the function is empty.
[[nodiscard]] Preprocessor bearer_token(SecretFunction token);

}  // namespace patient_http
