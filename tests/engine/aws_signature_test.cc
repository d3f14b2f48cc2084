#include "engine/aws_signature.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "drivers/crypto/sha256.h"
#include "engine/sent_url.h"
#include "patient_http/json.h"
#include "support/checkout.h"

namespace patient_http::engine {
namespace {

Json read_vectors() {
  std::ifstream file(PATIENT_HTTP_SOURCE_DIR "/tests/data/aws_sigv4/vectors.json");
  return Json::parse(std::string{std::istreambuf_iterator<char>(file), {}}).value();
}

const std::string& text(const Json& object, std::string_view key) {
  return *object.find(key)->if_string();
}

// What the vector's request has for a signature by our own rules, with the request that is signed.
std::pair<std::string, std::string> sign(const Json& vector) {
  const std::string url = "https://h" + text(vector, "target");
  const SentUrl parts(url);
  const AwsScope scope{text(vector, "time"), text(vector, "region"), text(vector, "service")};
  const std::string hash = crypto::sha256_hex(text(vector, "body"));
  AwsRequest request{
      .method = text(vector, "method"),
      .path = parts.path,
      .query = parts.query,
      .path_rule = text(vector, "path_rule") == "s3" ? AwsPath::kOfS3 : AwsPath::kOfOthers,
      .payload_hash = hash};
  for (const Json& header : *vector.find("headers")->if_array()) {
    const auto& pair = *header.if_array();
    request.headers.emplace_back(*pair[0].if_string(), *pair[1].if_string());
  }
  request.headers.emplace_back("x-amz-date", scope.time);
  const std::string canonical = aws_canonical_request(request);
  return {
      aws_signature(text(vector, "secret_access_key"), scope, aws_string_to_sign(scope, canonical)),
      canonical};
}

TEST(AwsSignatureTest, GivesTheSignaturesThatAwsPublished) {
  const Json vectors = read_vectors();
  ASSERT_GT(vectors.if_array()->size(), 30U);
  for (const Json& vector : *vectors.if_array()) {
    const auto [signature, canonical] = sign(vector);
    EXPECT_EQ(signature, text(vector, "signature")) << text(vector, "name") << "\n" << canonical;
  }
}

AwsRequest request_of(std::string_view path, std::string_view query, AwsPath rule) {
  return {.method = "GET",
          .path = path,
          .query = query,
          .path_rule = rule,
          .headers = {{"host", "h"}},
          .payload_hash = "-"};
}

// The second and the third line of what is signed.
std::string path_and_query(std::string_view path, std::string_view query,
                           AwsPath rule = AwsPath::kOfOthers) {
  const std::string canonical = aws_canonical_request(request_of(path, query, rule));
  const std::size_t begin = canonical.find('\n') + 1;
  return canonical.substr(begin, canonical.find("\nhost:") - begin);
}

TEST(AwsSignatureTest, EncodesWhatWasSentOnceMoreButForS3) {
  EXPECT_EQ(path_and_query("/a%20b/%E1%88%B4", ""), "/a%2520b/%25E1%2588%25B4\n");
  EXPECT_EQ(path_and_query("/a%20b/%E1%88%B4", "", AwsPath::kOfS3), "/a%20b/%E1%88%B4\n");
  // A key of S3 may have any characters; a url may have these two as they are.
  EXPECT_EQ(path_and_query("/a+b(c)", "", AwsPath::kOfS3), "/a%2Bb%28c%29\n");
  EXPECT_EQ(path_and_query("/a/../b//c/.", "", AwsPath::kOfS3), "/a/../b//c/.\n");
  EXPECT_EQ(path_and_query("/a/../b//c/", ""), "/b/c/\n");
  EXPECT_EQ(path_and_query("/../..", ""), "/\n");
}

TEST(AwsSignatureTest, SortsAndEncodesTheQuery) {
  EXPECT_EQ(path_and_query("/", "b=x+y&a=%7e*&&c&b="), "/\na=~%2A&b=&b=x%20y&c=");
  // By name first: "-" comes before the "=" behind a name.
  EXPECT_EQ(path_and_query("/", "a-b=1&a=2"), "/\na=2&a-b=1");
  EXPECT_EQ(path_and_query("/", "a=1=2"), "/\na=1%3D2");
}

TEST(AwsSignatureTest, PutsOneSpaceForSeveralAndCommasBetweenValues) {
  AwsRequest request = request_of("/", "", AwsPath::kOfOthers);
  request.headers = {{"x-b", " one \t two  "}, {"host", "h"}, {"x-b", "three"}, {"x-a", ""}};
  EXPECT_EQ(aws_canonical_request(request),
            "GET\n/\n\nhost:h\nx-a:\nx-b:one two,three\n\nhost;x-a;x-b\n-");
  EXPECT_EQ(aws_signed_headers(request), "host;x-a;x-b");
}

TEST(AwsSignatureTest, WritesTheTimeOfDay) {
  EXPECT_EQ(aws_time(std::chrono::system_clock::from_time_t(1440938160)), "20150830T123600Z");
}

}  // namespace
}  // namespace patient_http::engine
