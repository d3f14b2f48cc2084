#include "drivers/http2/http2_session.h"

#include <gtest/gtest.h>

#include "drivers/http2/session_peer.h"

namespace patient_http::http2::test {
namespace {

using Kind = StreamFailure::Kind;

// A session with three streams open, 1, 3 and 5, their requests written.
class Http2SessionTest : public ::testing::Test {
 protected:
  Http2SessionTest() {
    for (Transcript* stream : {&one, &three, &five}) {
      EXPECT_TRUE(peer.session.submit(get_request(), *stream).has_value());
    }
    peer.flush();
    for (Transcript* stream : {&one, &three, &five}) {
      EXPECT_EQ(stream->text, "<head><all>");
      stream->text.clear();
    }
  }

  // Fails the test unless this stream failed so.
  static std::string failed(const Transcript& stream, Kind kind) {
    EXPECT_EQ(stream.text.substr(0, stream.text.find("failed")) + "failed", stream.text);
    if (!stream.failure) return "it did not fail";
    EXPECT_EQ(stream.failure->kind, kind) << stream.failure->message;
    return stream.failure->message;
  }

  SessionPeer peer;
  Transcript one, three, five;
};

TEST_F(Http2SessionTest, ReadsAResponseInOrder) {
  EXPECT_TRUE(peer.say(head(1, "200", field("content-length", "3") + field("a", "b")) +
                       data(1, "ab") + data(1, "c", kEnd)));
  EXPECT_EQ(one.text, "200 content-length=3 a=b length 3 end");
  EXPECT_EQ(one.body, "abc");
  EXPECT_EQ(peer.seen[1].find(":authority")->value, "h");
  EXPECT_EQ(three.text, "");
}

TEST_F(Http2SessionTest, ReadsItByteByByte) {
  const std::string bytes = head(3, "404", field("a", "b")) + data(3, "abc", kEnd);
  for (const char byte : bytes) EXPECT_TRUE(peer.say(std::string_view(&byte, 1)));
  EXPECT_EQ(three.text, "404 a=b length -1 end");
  EXPECT_EQ(three.body, "abc");
}

TEST_F(Http2SessionTest, LeavesOutInformationalHeadsAndTrailers) {
  EXPECT_TRUE(peer.say(head(1, "103", field("link", "x")) + head(1, "100") +
                       head(1, "200", field("a", "b")) + data(1, "x") +
                       frame(NGHTTP2_HEADERS, kWhole, 1, field("a", "trailer"))));
  EXPECT_EQ(one.text, "200 a=b length -1 end");
}

TEST_F(Http2SessionTest, KnowsResponsesThatHaveNoBody) {
  EXPECT_TRUE(peer.say(head(1, "204", {}, kWhole) +
                       head(3, "304", field("content-length", "5"), kWhole) +
                       head(5, "200", {}, kWhole)));
  EXPECT_EQ(one.text, "204 length 0 end");
  EXPECT_EQ(three.text, "304 content-length=5 length 0 end");
  EXPECT_EQ(five.text, "200 length 0 end");
}

TEST_F(Http2SessionTest, RefusesMalformedResponses) {
  EXPECT_TRUE(peer.say(head(1, "050", {}, kWhole)));
  EXPECT_EQ(failed(one, Kind::kMalformed), "malformed response: its status is below 100");
  EXPECT_TRUE(peer.say(head(3, "200", field("a", "b\rc"), kWhole)));
  EXPECT_EQ(failed(three, Kind::kMalformed),
            "malformed response: a header that HTTP/2 does not allow");
  EXPECT_TRUE(peer.say(head(5, "200", field("content-length", "2")) + data(5, "abc", kEnd)));
  EXPECT_NE(failed(five, Kind::kMalformed).find("malformed response"), std::string::npos);
  EXPECT_EQ(peer.seen[5].reset, NGHTTP2_PROTOCOL_ERROR);
}

TEST_F(Http2SessionTest, BoundsHeadsAndTrailers) {
  SessionPeer small({.bytes = 200, .fields = 4});
  Transcript bytes, fields, trailers, pieces, fits;
  for (Transcript* stream : {&bytes, &fields, &trailers, &pieces, &fits}) {
    ASSERT_TRUE(small.session.submit(get_request(), *stream));
  }
  small.flush();
  for (Transcript* stream : {&bytes, &fields, &trailers, &pieces, &fits}) stream->text.clear();
  const std::string a = field("a", "b");
  EXPECT_TRUE(small.say(head(1, "200", field("a", std::string(200, 'x')), kWhole)));
  EXPECT_TRUE(small.say(head(3, "200", a + a + a + a + a, kWhole)));
  EXPECT_TRUE(small.say(head(5, "200", a + a) + data(5, "x") +
                        frame(NGHTTP2_HEADERS, kWhole, 5, a + a + a)));
  EXPECT_TRUE(small.say(head(7, "200", a + a, 0) + frame(NGHTTP2_CONTINUATION, 0, 7, a + a) +
                        frame(NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, 7, a)));
  EXPECT_TRUE(small.say(head(9, "200", a + a + a + a, kWhole)));
  for (const Transcript* stream : {&bytes, &fields, &trailers, &pieces}) {
    ASSERT_TRUE(stream->failure);
    EXPECT_EQ(stream->failure->kind, Kind::kHeadTooLarge);
    EXPECT_EQ(stream->failure->message,
              "the response has more than 200 bytes or 4 fields of headers and trailers");
  }
  EXPECT_EQ(fits.text, "200 a=b a=b a=b a=b length 0 end");
}

TEST_F(Http2SessionTest, TellsHowAStreamWasReset) {
  EXPECT_TRUE(peer.say(reset(1, NGHTTP2_REFUSED_STREAM)));
  EXPECT_EQ(failed(one, Kind::kRefused), "the server refused the stream (REFUSED_STREAM)");
  EXPECT_TRUE(peer.say(reset(3, NGHTTP2_HTTP_1_1_REQUIRED)));
  EXPECT_EQ(failed(three, Kind::kHttp1Required), "the server wants HTTP/1.1 (HTTP_1_1_REQUIRED)");
  // What has begun to answer was not refused, whatever the code.
  EXPECT_TRUE(peer.say(head(5, "200") + reset(5, NGHTTP2_REFUSED_STREAM)));
  EXPECT_EQ(failed(five, Kind::kReset), "the server reset the stream (REFUSED_STREAM)");
}

TEST_F(Http2SessionTest, FinishesWhatTheServerAcceptedBeforeItsGoaway) {
  EXPECT_TRUE(peer.say(goaway(3, NGHTTP2_NO_ERROR)));
  EXPECT_EQ(peer.goaways_seen, 1);
  EXPECT_TRUE(peer.session.is_draining());
  EXPECT_EQ(failed(five, Kind::kRefused),
            "the server takes no more requests on this connection (GOAWAY with NO_ERROR)");
  Transcript late;
  EXPECT_FALSE(peer.session.submit(get_request(), late).has_value());
  EXPECT_TRUE(peer.say(head(1, "200", {}, kWhole) + head(3, "201", {}, kWhole)));
  EXPECT_EQ(one.text, "200 length 0 end");
  EXPECT_EQ(three.text, "201 length 0 end");
}

TEST_F(Http2SessionTest, TellsWhyAConnectionFailed) {
  EXPECT_TRUE(peer.say(head(1, "200")));
  peer.say(data(0, "x"));  // only when it has told the server, it says that it failed
  EXPECT_NE(peer.session.failure().find("the server broke the rules of HTTP/2 (PROTOCOL_ERROR)"),
            std::string::npos)
      << peer.session.failure();
  EXPECT_FALSE(peer.session.feed(head(3, "200")));
  Transcript late;
  EXPECT_FALSE(peer.session.submit(get_request(), late).has_value());
}

TEST_F(Http2SessionTest, ForgetsAnAbandonedStream) {
  peer.session.abandon(1);
  peer.flush();
  EXPECT_EQ(peer.seen[1].reset, NGHTTP2_CANCEL);
  // What the server had sent before it knew counts for the connection's window alone.
  const std::string late(16 * 1024, 'x');
  for (int i = 0; i < 48; ++i) {
    ASSERT_TRUE(peer.say(i == 0 ? head(1, "200") + data(1, late) : data(1, late)));
  }
  EXPECT_TRUE(peer.say(reset(1, NGHTTP2_NO_ERROR) + head(3, "200", {}, kWhole)));
  EXPECT_EQ(one.text, "");
  EXPECT_EQ(three.text, "200 length 0 end");
  EXPECT_GE(peer.windows[0], 512 * 1024);
}

TEST_F(Http2SessionTest, OpensTheWindowOfAStreamAsItIsConsumed) {
  const std::string piece(16 * 1024, 'x');
  EXPECT_TRUE(peer.say(head(1, "200") + head(3, "200")));
  for (int i = 0; i < 16; ++i) {  // all that a stream may send ahead
    ASSERT_TRUE(peer.say(data(1, piece)));
    peer.session.consume_connection(piece.size());
  }
  peer.flush();
  EXPECT_EQ(peer.windows[1], 0);
  const std::int64_t connection = peer.windows[0];
  for (int i = 0; i < 64; ++i) {  // more than the connection's window; the other holds up nothing
    ASSERT_TRUE(peer.say(data(3, piece)));
    peer.session.consume_stream(3, piece.size());
    peer.session.consume_connection(piece.size());
  }
  EXPECT_TRUE(peer.say(data(3, piece, kEnd)));
  EXPECT_EQ(three.text, "200 length -1 end");
  EXPECT_GT(peer.windows[0], connection);
  peer.session.consume_stream(1, 16 * piece.size());
  peer.flush();
  EXPECT_EQ(peer.windows[1], 256 * 1024);
}

TEST_F(Http2SessionTest, RefusesBytesBeyondTheWindow) {
  const std::string piece(16 * 1024, 'x');
  EXPECT_TRUE(peer.say(head(1, "200")));
  for (int i = 0; i < 16; ++i) {
    ASSERT_TRUE(peer.say(data(1, piece)));
    peer.session.consume_connection(piece.size());
  }
  peer.say(data(1, piece));
  EXPECT_EQ(peer.seen[1].reset, NGHTTP2_FLOW_CONTROL_ERROR);
  peer.say(data(1, piece));
  EXPECT_LE(one.body.size(), 17 * piece.size());
  EXPECT_TRUE(one.failure.has_value());
}

TEST_F(Http2SessionTest, SendsABodyAsTheWindowsLetIt) {
  const std::string body(100'000, 'b');
  Http2Request request = get_request();
  request.method = "POST";
  request.body = body;
  Transcript seven;
  ASSERT_EQ(peer.session.submit(std::move(request), seven), 7);
  peer.flush();
  EXPECT_EQ(seven.text, "<head>");
  EXPECT_EQ(peer.seen[7].body.size(), 65'535U);
  peer.open_window(7, 100'000);
  EXPECT_EQ(peer.seen[7].body.size(), 65'535U);  // the connection's is used up, too
  peer.open_window(0, 100'000);
  EXPECT_EQ(peer.seen[7].body, body);
  EXPECT_TRUE(peer.seen[7].has_ended);
  EXPECT_EQ(seven.text, "<head><all>");
}

TEST_F(Http2SessionTest, StopsABodyThatTheServerAnsweredEarly) {
  const std::string body(100'000, 'b');
  Http2Request request = get_request();
  request.method = "POST";
  request.body = body;
  Transcript seven;
  ASSERT_EQ(peer.session.submit(std::move(request), seven), 7);
  peer.flush();
  EXPECT_TRUE(peer.say(head(7, "413", {}, kWhole)));
  EXPECT_EQ(seven.text, "<head>413 length 0 end");
  EXPECT_EQ(peer.seen[7].reset, NGHTTP2_NO_ERROR);
  peer.open_window(0, 100'000);
  EXPECT_EQ(peer.seen[7].body.size(), 65'535U);
}

TEST_F(Http2SessionTest, KeepsSecretsOutOfTables) {
  Http2Request request = get_request();
  request.path = "/?key=SECRET";
  request.headers = {{"x-key", "SECRET"}};
  request.holds_secrets = true;
  Transcript seven;
  ASSERT_TRUE(peer.session.submit(std::move(request), seven));
  peer.flush();
  EXPECT_TRUE(peer.wrote_secrets);
  EXPECT_TRUE(peer.seen[7].find("x-key")->is_never_indexed);
  EXPECT_TRUE(peer.seen[7].find(":path")->is_never_indexed);
}

TEST_F(Http2SessionTest, KeepsCredentialsOutOfTablesWhateverTheRequest) {
  Http2Request request = get_request();
  request.headers = {{"Authorization", "Bearer x"},
                     {"cookie", "a=b"},
                     {"x-api-key", "k"},
                     {"accept", "text/plain"}};
  Transcript seven;
  ASSERT_TRUE(peer.session.submit(std::move(request), seven));
  peer.flush();
  EXPECT_FALSE(peer.wrote_secrets);
  EXPECT_TRUE(peer.seen[7].find("authorization")->is_never_indexed);
  EXPECT_TRUE(peer.seen[7].find("cookie")->is_never_indexed);
  EXPECT_TRUE(peer.seen[7].find("x-api-key")->is_never_indexed);
  EXPECT_FALSE(peer.seen[7].find("accept")->is_never_indexed);
}

TEST_F(Http2SessionTest, FollowsTheLimitOfStreams) {
  EXPECT_EQ(peer.settings_seen, 1);
  peer.set(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 7);
  EXPECT_EQ(peer.session.stream_limit(), 7U);
  peer.set(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 0);
  EXPECT_EQ(peer.session.stream_limit(), 0U);
  EXPECT_EQ(peer.settings_seen, 3);
}

TEST_F(Http2SessionTest, LetsHandlersOpenAndAbandonStreams) {
  Transcript seven;
  one.when_body = [&](std::string_view) {
    peer.session.abandon(3);
    EXPECT_TRUE(peer.session.submit(get_request(), seven).has_value());
  };
  five.when_over = [&] { peer.session.abandon(1); };
  EXPECT_TRUE(peer.say(head(1, "200") + data(1, "x") + head(3, "200", {}, kWhole) +
                       reset(5, NGHTTP2_CANCEL) + data(1, "y", kEnd)));
  EXPECT_EQ(one.text, "200 length -1 ");
  EXPECT_EQ(three.text, "");
  EXPECT_EQ(five.text, "failed");
  EXPECT_EQ(seven.text, "<head><all>");
  EXPECT_TRUE(peer.say(head(7, "200", {}, kWhole)));
  EXPECT_EQ(seven.text, "<head><all>200 length 0 end");
}

}  // namespace
}  // namespace patient_http::http2::test
