#include "drivers/net/net_failure.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace patient_http::net {
namespace {

TEST(NetFailureTest, TellsTheKindsOfErrnoApart) {
  using Kind = NetFailure::Kind;
  EXPECT_EQ(failure_of_errno(ECONNREFUSED, "connect").kind, Kind::kRefused);
  for (const int error : {EHOSTUNREACH, ENETUNREACH, ENETDOWN, EADDRNOTAVAIL}) {
    EXPECT_EQ(failure_of_errno(error, "connect").kind, Kind::kUnreachable) << error;
  }
  EXPECT_EQ(failure_of_errno(ECONNRESET, "receive").kind, Kind::kReset);
  EXPECT_EQ(failure_of_errno(ECONNABORTED, "receive").kind, Kind::kReset);
  EXPECT_EQ(failure_of_errno(EPIPE, "send").kind, Kind::kClosed);
  EXPECT_EQ(failure_of_errno(EMFILE, "socket").kind, Kind::kOther);
}

TEST(NetFailureTest, SaysWhatWasTriedAndWhatCameBack) {
  EXPECT_EQ(failure_of_errno(EMFILE, "socket").message, "socket: Too many open files");
}

}  // namespace
}  // namespace patient_http::net
