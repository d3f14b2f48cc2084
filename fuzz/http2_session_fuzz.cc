// Frames of a server, read by a client with three streams open: every stream is told of its head
// before its body, and of its end once. The first byte steers the pieces, and what the client does
// meanwhile.
#include "drivers/http2/http2_session.h"

#include <algorithm>
#include <array>
#include <string>

#include "fuzz/property.h"

namespace {

using namespace patient_http;
using fuzz::require;
using http2::Http2Session;

constexpr std::string_view kBody = "a body of a request, sent as far as the windows let it";
constexpr std::size_t kMostWritten = 1 << 16;

struct Steering {
  explicit Steering(std::uint8_t byte)
      : piece(byte & 1 ? 3 : 1 << 14),
        abandons((byte & 2) != 0),
        withholds((byte & 4) != 0),
        is_small((byte & 8) != 0) {}

  std::size_t piece;
  bool abandons;   // a stream, at the first bytes of its body
  bool withholds;  // what it took, so that windows close
  bool is_small;   // limits of heads
};

class Stream final : public http2::StreamHandler {
 public:
  Stream(Http2Session& session, const Steering& steering, bool abandons)
      : session_(session), steering_(steering), abandons_(abandons) {}

  void open(http2::Http2Request request) {
    const auto id = session_.submit(std::move(request), *this);
    require(id.has_value(), "a new session takes streams");
    id_ = *id;
  }

  void on_head_written() override { require(!is_over_, "nothing comes after the end"); }
  void on_request_written() override { require(!is_over_, "nothing comes after the end"); }
  void on_head_begin(int status) override {
    require(!is_over_ && status_ == 0, "there is one head");
    require(status >= 200 && status <= 999, "a status is a final one");
    status_ = status;
  }
  void on_header(std::string_view name, std::string_view value) override {
    require(!is_over_ && status_ != 0 && !has_head_, "headers are in the head");
    require(!name.empty() && name.front() != ':', "a pseudo-header is none");
    require((name.find_first_of("\r\n") & value.find_first_of("\r\n")) == std::string_view::npos,
            "a header is one line");
  }
  void on_head_end(std::int64_t) override {
    require(!is_over_ && status_ != 0 && !has_head_, "a head ends once");
    has_head_ = true;
  }
  void on_body(std::string_view bytes) override {
    require(!is_over_ && has_head_, "a head comes before its body");
    if (abandons_) {
      is_over_ = true;
      session_.consume_connection(bytes.size());
      session_.abandon(id_);
    } else if (!steering_.withholds) {
      session_.consume_stream(id_, bytes.size());
      session_.consume_connection(bytes.size());
    }
  }
  void on_response_end() override {
    require(!is_over_ && has_head_, "a whole response ends once");
    is_over_ = true;
  }
  void on_stream_failed(http2::StreamFailure failure) override {
    require(!is_over_, "a stream fails once");
    require(!failure.message.empty(), "a failure has a message");
    is_over_ = true;
  }

 private:
  Http2Session& session_;
  const Steering& steering_;
  const bool abandons_;
  http2::StreamId id_ = 0;
  int status_ = 0;
  bool has_head_ = false;
  bool is_over_ = false;
};

class Listener final : public http2::SessionHandler {
 public:
  void on_settings() override {}
  void on_goaway() override {}
};

http2::Http2Request request_of(std::string method, std::string_view body) {
  http2::Http2Request request;
  request.method = std::move(method);
  request.scheme = "https";
  request.authority = "h";
  request.path = "/";
  request.headers = {{"x-request-id", "1"}};
  request.body = body;
  return request;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Steering steering(data[0]);
  std::string_view bytes = fuzz::text_of(data, size).substr(1);
  Listener listener;
  const http2::HeadLimits limits =
      steering.is_small ? http2::HeadLimits{.bytes = 100, .fields = 3} : http2::HeadLimits{};
  Http2Session session(limits, listener);
  std::array<Stream, 3> streams = {Stream(session, steering, false),
                                   Stream(session, steering, steering.abandons),
                                   Stream(session, steering, false)};
  streams[0].open(request_of("GET", {}));
  streams[1].open(request_of("POST", kBody));
  streams[2].open(request_of("GET", {}));

  http2::Output out;
  bool goes_on = session.write_to(out, kMostWritten);
  while (goes_on && !bytes.empty()) {
    const std::string_view piece = bytes.substr(0, steering.piece);
    bytes.remove_prefix(piece.size());
    goes_on = session.feed(piece);
    out.bytes.clear();
    goes_on = session.write_to(out, kMostWritten) && goes_on;
    require(out.bytes.size() <= kMostWritten + http2::kFrameRoom, "output is bounded");
  }
  require(goes_on || !session.failure().empty(), "a failure says why");
  return 0;
}
