#include "drivers/http1/response_parser.h"

#include <gtest/gtest.h>

namespace patient_http::http1 {
namespace {

// Writes down what it is told.
class Transcript final : public ResponseHandler {
 public:
  void on_head_begin(int status) override { text += std::to_string(status) + "\n"; }
  void on_header(std::string_view name, std::string_view value) override {
    text.append(name).append("=").append(value).append("\n");
  }
  void on_head_end(std::int64_t content_length) override {
    text += "length " + std::to_string(content_length) + "\n";
  }
  void on_body(std::string_view bytes) override { body.append(bytes); }

  std::string text;
  std::string body;
};

// Feeds `bytes` in pieces and then the end of the connection, and says all that came of it.
std::string read_in_pieces(const std::string& bytes, std::size_t piece, HeadLimits limits) {
  ResponseParser parser(limits);
  Transcript transcript;
  std::size_t fed = 0;
  std::string ending;
  while (fed < bytes.size() && !parser.is_complete() && ending.empty()) {
    const auto read = parser.feed(std::string_view(bytes).substr(fed, piece), transcript);
    if (read) {
      fed += *read;
    } else {
      ending =
          read.error().kind == ParseFailure::Kind::kHeadTooLarge ? "head too large" : "malformed";
    }
  }
  if (ending.empty() && !parser.is_complete()) {
    ending = parser.feed_end(transcript) ? "complete at the end" : "cut off";
  }
  if (ending.empty()) {
    ending = parser.keeps_alive() ? "complete, reusable" : "complete";
    if (fed < bytes.size()) ending += ", " + std::to_string(bytes.size() - fed) + " bytes more";
  }
  return transcript.text + "[" + transcript.body + "] " + ending;
}

// The same whether the bytes come at once or one by one.
std::string read(const std::string& bytes, HeadLimits limits = {}) {
  const std::string at_once = read_in_pieces(bytes, bytes.size() + 1, limits);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{7}}) {
    EXPECT_EQ(read_in_pieces(bytes, piece, limits), at_once) << "in pieces of " << piece;
  }
  return at_once;
}

TEST(ResponseParserTest, ReadsABodyByItsLength) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-A:  b \r\n\r\nabc"),
            "200\nContent-Length=3\nX-A=b \nlength 3\n[abc] complete, reusable");
}

TEST(ResponseParserTest, ReadsChunksAndDropsTrailersAndExtensions) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
                 "2\r\nab\r\n1;ext=1\r\nc\r\n0\r\nx-trailer: 1\r\nstatus: 2\r\n\r\n"),
            "200\ntransfer-encoding=chunked\nlength -1\n[abc] complete, reusable");
}

TEST(ResponseParserTest, ReadsABodyUntilTheEndOfTheConnection) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\n\r\nabc"), "200\nlength -1\n[abc] complete at the end");
  EXPECT_EQ(read("HTTP/1.0 200 OK\r\n\r\n"), "200\nlength -1\n[] complete at the end");
}

TEST(ResponseParserTest, KnowsResponsesThatHaveNoBody) {
  EXPECT_EQ(read("HTTP/1.1 204 No Content\r\n\r\n"), "204\nlength 0\n[] complete, reusable");
  EXPECT_EQ(read("HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n"),
            "304\ncontent-length=5\nlength 0\n[] complete, reusable");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
            "200\ncontent-length=0\nlength 0\n[] complete, reusable");
}

TEST(ResponseParserTest, LetsTransferEncodingWinAndEndsTheConnectionThen) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\ncontent-length: 99\r\ntransfer-encoding: chunked\r\n\r\n"
                 "1\r\na\r\n0\r\n\r\n"),
            "200\ncontent-length=99\ntransfer-encoding=chunked\nlength -1\n[a] complete");
}

TEST(ResponseParserTest, SaysWhetherTheConnectionMayServeAgain) {
  const auto ending = [](const std::string& status_line, const std::string& headers) {
    const std::string all = read(status_line + "\r\n" + headers + "content-length: 0\r\n\r\n");
    return all.substr(all.rfind("complete"));
  };
  EXPECT_EQ(ending("HTTP/1.1 200 OK", ""), "complete, reusable");
  EXPECT_EQ(ending("HTTP/1.1 200 OK", "connection: close\r\n"), "complete");
  EXPECT_EQ(ending("HTTP/1.1 200 OK", "Connection: foo, Close\r\n"), "complete");
  EXPECT_EQ(ending("HTTP/1.0 200 OK", ""), "complete");
  EXPECT_EQ(ending("HTTP/1.0 200 OK", "connection: keep-alive\r\n"), "complete, reusable");
}

TEST(ResponseParserTest, LeavesOutInformationalResponses) {
  EXPECT_EQ(read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"
                 "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
            "200\ncontent-length=2\nlength 2\n[ok] complete, reusable");
}

TEST(ResponseParserTest, ReadsNoBodyOfAnInformationalResponse) {
  // http_parser gave us the body of a 1xx that claims one, before any response had begun: the
  // reader of the body was not there yet, and a server could crash its client.
  for (const char* claim : {"content-length: 9\r\n", "transfer-encoding: chunked\r\n"}) {
    EXPECT_EQ(read("HTTP/1.1 103 Early Hints\r\n" + std::string(claim) +
                   "\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
              "200\ncontent-length=2\nlength 2\n[ok] complete, reusable")
        << claim;
  }
}

TEST(ResponseParserTest, RefusesToSwitchProtocols) {
  EXPECT_EQ(read("HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
            "[] malformed");
}

TEST(ResponseParserTest, RefusesWhatIsMalformed) {
  EXPECT_EQ(read("SMTP 220 hello\r\n\r\n"), "[] malformed");
  EXPECT_EQ(read("HTTP/1.1 two hundred\r\n\r\n"), "[] malformed");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n"), "[] malformed");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"),
            "200\ntransfer-encoding=chunked\nlength -1\n[] malformed");
}

TEST(ResponseParserTest, RefusesAStatusOfFewerThanThreeDigits) {
  // http_parser takes one; a response with the status 99, or 0, was delivered.
  for (const char* status : {"99", "9", "0", "099"}) {
    EXPECT_EQ(read("HTTP/1.1 " + std::string(status) + " Odd\r\n\r\n"), "[] malformed") << status;
  }
  EXPECT_EQ(read("HTTP/1.1 1000 Odd\r\n\r\n"), "[] malformed");
}

TEST(ResponseParserTest, RefusesControlCharactersInValues) {
  // A NUL at the beginning of a value passed: http_parser looks at the others only.
  for (const char c : {'\0', '\x01', '\x1b', '\x7f'}) {
    for (const std::string& value :
         {std::string(1, c), c + std::string("x"), std::string("x") + c}) {
      EXPECT_EQ(read("HTTP/1.1 200 OK\r\na: " + value + "\r\n\r\n"), "[] malformed");
    }
  }
  EXPECT_EQ(read("HTTP/1.1 204 No Content\r\na: \xff\xe9\tx\r\n\r\n"),
            "204\na=\xff\xe9\tx\nlength 0\n[] complete, reusable");
}

TEST(ResponseParserTest, TellsThatAResponseWasCutOff) {
  EXPECT_EQ(read("HTTP/1.1 20"), "[] cut off");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"),
            "200\ncontent-length=9\nlength 9\n[abc] cut off");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n"),
            "200\ntransfer-encoding=chunked\nlength -1\n[ab] cut off");
}

TEST(ResponseParserTest, BoundsTheFieldsAndBytesOfAHead) {
  const HeadLimits limits{.bytes = 100, .fields = 3};
  const auto is_too_large = [&](const std::string& bytes) {
    return read(bytes, limits).ends_with("head too large");
  };
  EXPECT_FALSE(is_too_large("HTTP/1.1 200 OK\r\na: 1\r\nb: 2\r\ncontent-length: 0\r\n\r\n"));
  EXPECT_TRUE(is_too_large("HTTP/1.1 200 OK\r\na: 1\r\nb: 2\r\nc: 3\r\ncontent-length: 0\r\n\r\n"));
  EXPECT_TRUE(is_too_large("HTTP/1.1 200 OK\r\na: " + std::string(200, 'x') + "\r\n\r\n"));
  EXPECT_TRUE(is_too_large("HTTP/1.1 200 " + std::string(200, 'x') + "\r\n\r\n"));
  EXPECT_TRUE(
      is_too_large("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\na: 1\r\n"
                   "b: " +
                   std::string(200, 'x') + "\r\n\r\n"));
}

TEST(ResponseParserTest, TellsNoFieldBeyondTheLimit) {
  // The one that was too many was told before the head was refused.
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\na: 1\r\nb: 2\r\nc: 3\r\n\r\n", {.bytes = 100, .fields = 2}),
            "200\na=1\nb=2\n[] head too large");
}

TEST(ResponseParserTest, TakesHeadsUpToItsLimit) {
  const std::string value(70'000, 'x');
  const HeadLimits limits{.bytes = kLargestHead, .fields = 10};
  EXPECT_EQ(read_in_pieces("HTTP/1.1 200 OK\r\nx: " + value + "\r\ncontent-length: 0\r\n\r\n",
                           10'000, limits),
            "200\nx=" + value + "\ncontent-length=0\nlength 0\n[] complete, reusable");
}

TEST(ResponseParserTest, BoundsWhatIsNeitherNameNorValue) {
  // White space and line ends of a head reach none of http_parser's callbacks.
  const HeadLimits limits{.bytes = 1000, .fields = 10};
  EXPECT_EQ(read_in_pieces("HTTP/1.1 200 OK\r\nx:" + std::string(300'000, ' '), 100, limits),
            "[] head too large");
}

TEST(ResponseParserTest, BoundsEndlessInformationalResponses) {
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += "HTTP/1.1 100\r\n\r\n";
  EXPECT_EQ(read_in_pieces(many, 1000, {.bytes = 1000, .fields = 10}), "[] head too large");
}

TEST(ResponseParserTest, StopsBehindTheEndOfAResponse) {
  EXPECT_EQ(read_in_pieces("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\naHTTP/1.1", 1000, {}),
            "200\ncontent-length=1\nlength 1\n[a] complete, reusable, 8 bytes more");
}

TEST(ResponseParserTest, ReadsOneResponseAfterTheOther) {
  ResponseParser parser(HeadLimits{});
  for (int round = 0; round < 3; ++round) {
    Transcript transcript;
    parser.reset();
    EXPECT_FALSE(parser.has_begun());
    ASSERT_TRUE(parser.feed("HTTP/1.1 404 No\r\na: 1\r\ncontent-length: 1\r\n\r\nx", transcript));
    EXPECT_TRUE(parser.has_begun());
    EXPECT_TRUE(parser.is_complete());
    EXPECT_EQ(transcript.text, "404\na=1\ncontent-length=1\nlength 1\n");
  }
}

TEST(ResponseParserTest, CallsNoMoreAfterItWasStopped) {
  class Stopper final : public ResponseHandler {
   public:
    explicit Stopper(ResponseParser& parser, int at) : parser_(parser), at_(at) {}
    void on_head_begin(int) override { count(); }
    void on_header(std::string_view, std::string_view) override { count(); }
    void on_head_end(std::int64_t) override { count(); }
    void on_body(std::string_view) override { count(); }
    int calls = 0;

   private:
    void count() {
      if (++calls == at_) parser_.stop();
    }
    ResponseParser& parser_;
    int at_;
  };
  for (int at = 1; at <= 5; ++at) {
    ResponseParser parser(HeadLimits{});
    Stopper stopper(parser, at);
    const auto read = parser.feed(
        "HTTP/1.1 200 OK\r\na: 1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n1\r\ny\r\n",
        stopper);
    EXPECT_TRUE(read.has_value());
    EXPECT_FALSE(parser.is_complete());
    EXPECT_EQ(stopper.calls, at);
  }
}

}  // namespace
}  // namespace patient_http::http1
