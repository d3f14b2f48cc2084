#include <gtest/gtest.h>

#include <set>

#include "patient_http/error.h"

namespace patient_http {
namespace {

std::vector<ErrorKind> all_kinds() {
  std::vector<ErrorKind> kinds;
  for (int i = 0; i <= static_cast<int>(ErrorKind::kUnknown); ++i) {
    kinds.push_back(static_cast<ErrorKind>(i));
  }
  return kinds;
}

TEST(ErrorKindTest, ReadsItsOwnNames) {
  for (const ErrorKind kind : all_kinds()) EXPECT_EQ(parse_error_kind(to_string(kind)), kind);
  EXPECT_EQ(to_string(ErrorKind::kFirstByteTimeout), "first_byte_timeout");
  EXPECT_EQ(parse_error_kind("nope"), std::nullopt);
}

TEST(ErrorKindTest, UsesTheTypesOfTheGemOnly) {
  const std::set<std::string_view> types = {
      "timeout", "connection", "ssl", "response_too_large", "redirect", "http_error", "unknown"};
  for (const ErrorKind kind : all_kinds()) {
    EXPECT_EQ(types.count(error_type(kind)), 1U) << to_string(kind);
  }
}

TEST(ErrorKindTest, NamesClassesThatExistInRuby) {
  EXPECT_EQ(ruby_class(ErrorKind::kRefused), "Errno::ECONNREFUSED");
  EXPECT_EQ(ruby_class(ErrorKind::kUnreachable), "Errno::EHOSTUNREACH");
  EXPECT_EQ(ruby_class(ErrorKind::kReset), "Errno::ECONNRESET");
  EXPECT_EQ(ruby_class(ErrorKind::kResolve), "SocketError");
  EXPECT_EQ(ruby_class(ErrorKind::kClosed), "EOFError");
  EXPECT_EQ(ruby_class(ErrorKind::kTlsCertificate), "OpenSSL::SSL::SSLError");
  EXPECT_EQ(ruby_class(ErrorKind::kResponseTooLarge), "PatientHttp::ResponseTooLargeError");
  EXPECT_EQ(ruby_class(ErrorKind::kPolicy), "StandardError");
}

TEST(ErrorKindTest, CountsEveryTimeoutAsTimeout) {
  // The gem knows one class of timeout only; the others are "unknown" or "connection" there.
  for (const ErrorKind kind :
       {ErrorKind::kResolveTimeout, ErrorKind::kConnectTimeout, ErrorKind::kFirstByteTimeout,
        ErrorKind::kIdleTimeout, ErrorKind::kThroughputTimeout, ErrorKind::kTotalTimeout}) {
    EXPECT_EQ(error_type(kind), "timeout");
    EXPECT_EQ(ruby_class(kind), "Async::TimeoutError");
  }
}

TEST(ErrorKindTest, CountsNetworkAndProtocolAsConnection) {
  // In the gem a garbage status line, bad gzip and an unreachable network are "unknown".
  for (const ErrorKind kind :
       {ErrorKind::kResolve, ErrorKind::kRefused, ErrorKind::kUnreachable, ErrorKind::kReset,
        ErrorKind::kClosed, ErrorKind::kConnection, ErrorKind::kProtocol, ErrorKind::kDecode,
        ErrorKind::kHeadersTooLarge, ErrorKind::kBodyMemory}) {
    EXPECT_EQ(error_type(kind), "connection") << to_string(kind);
  }
}

}  // namespace
}  // namespace patient_http
