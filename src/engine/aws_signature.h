#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace patient_http::engine {

// How a path stands in what is signed. S3 takes it as it is, encoded once. The others take away
// dots and doubled slashes first, and encode what was sent once more.
enum class AwsPath { kOfS3, kOfOthers };

// What of a request is signed by AWS Signature Version 4.
struct AwsRequest {
  std::string_view method;
  // As they are sent; the query without its '?'.
  std::string_view path;
  std::string_view query;
  AwsPath path_rule = AwsPath::kOfOthers;
  // Those that are signed, names in lower case. A name may come several times.
  std::vector<std::pair<std::string_view, std::string_view>> headers = {};
  // The SHA-256 of the body, or "UNSIGNED-PAYLOAD".
  std::string_view payload_hash;
};

// Where and when a signature is good for.
struct AwsScope {
  std::string time;  // "20150830T123600Z"
  std::string region;
  std::string service;

  // "20150830/us-east-1/s3/aws4_request"
  [[nodiscard]] std::string text() const;
};

[[nodiscard]] std::string aws_time(std::chrono::system_clock::time_point time);

// "host;x-amz-date"
[[nodiscard]] std::string aws_signed_headers(const AwsRequest& request);
// Holds the values of headers and params: to be wiped.
[[nodiscard]] std::string aws_canonical_request(const AwsRequest& request);
[[nodiscard]] std::string aws_string_to_sign(const AwsScope& scope,
                                             std::string_view canonical_request);
// 64 hex digits. The keys that are derived on the way are wiped.
[[nodiscard]] std::string aws_signature(std::string_view secret_access_key, const AwsScope& scope,
                                        std::string_view string_to_sign);

}  // namespace patient_http::engine
