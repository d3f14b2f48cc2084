// Servers that send without end what brings nothing. Sessions end them, and hold little meanwhile.
#include <gtest/gtest.h>

#include "drivers/http2/session_peer.h"

namespace patient_http::http2::test {
namespace {

constexpr std::size_t kMostFrames = 50'000;

class Http2FloodTest : public ::testing::Test, public SessionHandler {
 protected:
  Http2FloodTest() {
    EXPECT_TRUE(session.submit(get_request(), stream).has_value());
    Output out;
    EXPECT_TRUE(session.write_to(out, 1 << 20));
    EXPECT_TRUE(session.feed(frame(NGHTTP2_SETTINGS, 0, 0)));
  }
  void on_settings() override {}
  void on_goaway() override {}

  // How many such frames are taken before the session ends the connection; each is answered.
  std::size_t frames_taken(const std::string& bytes, std::size_t most = kMostFrames) {
    for (std::size_t i = 0; i < most; ++i) {
      Output out;
      if (!session.feed(bytes) || !session.write_to(out, 1 << 20)) return i;
      EXPECT_LE(out.bytes.size(), 1U << 12);
    }
    return most;
  }

  Http2Session session{HeadLimits{}, *this};
  Transcript stream;
};

constexpr std::string_view kFramesThatBringNothing =
    "the server floods the connection with frames that bring nothing";

TEST_F(Http2FloodTest, EndsOnPings) {
  EXPECT_LE(frames_taken(frame(NGHTTP2_PING, 0, 0, "12345678")), 10'000U);
  EXPECT_EQ(session.failure(), kFramesThatBringNothing);
}

TEST_F(Http2FloodTest, EndsSoonerWhereNothingIsWritten) {
  const std::string ping = frame(NGHTTP2_PING, 0, 0, "12345678");
  std::size_t taken = 0;
  while (taken < kMostFrames && session.feed(ping)) ++taken;
  EXPECT_LE(taken, 2'000U);
  EXPECT_NE(session.failure(), "");
}

TEST_F(Http2FloodTest, EndsOnSettings) {
  EXPECT_LE(frames_taken(frame(NGHTTP2_SETTINGS, 0, 0)), 10'000U);
  EXPECT_EQ(session.failure(), kFramesThatBringNothing);
}

TEST_F(Http2FloodTest, EndsOnWindowUpdates) {
  EXPECT_LE(frames_taken(frame(NGHTTP2_WINDOW_UPDATE, 0, 0, number(1, 4))), 10'000U);
  EXPECT_EQ(session.failure(), kFramesThatBringNothing);
}

TEST_F(Http2FloodTest, EndsOnFramesOfUnknownTypes) {
  const std::string unknown = frame(0xbe, 0, 0, std::string(1'000, 'x'));
  EXPECT_LE(frames_taken(unknown), 10'000U);
  EXPECT_NE(session.failure().find("the server floods the connection"), std::string::npos);
}

TEST_F(Http2FloodTest, EndsOnEmptyData) {
  ASSERT_TRUE(session.feed(head(1, "200")));
  EXPECT_LE(frames_taken(data(1, "")), 10'000U);
  EXPECT_EQ(session.failure(), kFramesThatBringNothing);
}

TEST_F(Http2FloodTest, EndsOnPaddingAlone) {
  ASSERT_TRUE(session.feed(head(1, "200")));
  const std::string padding = data(1, std::string("\xff").append(255, '\0'), NGHTTP2_FLAG_PADDED);
  EXPECT_LE(frames_taken(padding), 10'000U);
  EXPECT_EQ(session.failure(), kFramesThatBringNothing);
}

TEST_F(Http2FloodTest, EndsOnContinuations) {
  ASSERT_TRUE(session.feed(head(1, "200", {}, 0)));
  EXPECT_LE(frames_taken(frame(NGHTTP2_CONTINUATION, 0, 1, field("a", "b"))), 300U);
  EXPECT_NE(session.failure(), "");
}

TEST_F(Http2FloodTest, EndsOnInformationalHeads) {
  for (int i = 0; i < 300 && !stream.failure; ++i) {
    EXPECT_EQ(frames_taken(head(1, "103", field("a", "b")), 1), 1U);
  }
  ASSERT_TRUE(stream.failure);
  EXPECT_EQ(stream.failure->kind, StreamFailure::Kind::kHeadTooLarge);
}

}  // namespace
}  // namespace patient_http::http2::test
