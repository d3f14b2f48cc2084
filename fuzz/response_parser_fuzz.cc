// ResponseParser: bytes of a connection, whole and in pieces, must tell the same responses, and no
// head may be larger than the limits. The first three bytes steer: the pieces, the limits, and
// where the handler stops.
#include "drivers/http1/response_parser.h"

#include <string>
#include <vector>

#include "fuzz/property.h"

namespace {

using namespace patient_http;
using fuzz::require;

constexpr int kMostResponses = 8;

// What a handler was told, and how it ended.
struct Story {
  std::string text;
  std::string body;
  bool failed = false;
  bool stopped = false;

  bool operator==(const Story&) const = default;
};

// Of a failure the one may have been told more than the other: http_parser tells of a name that
// comes in several pieces before it finds the fault in it.
bool agree(const Story& a, const Story& b) {
  const auto one_begins_other = [](const std::string& x, const std::string& y) {
    return x.starts_with(y) || y.starts_with(x);
  };
  if (!a.failed && !b.failed) return a == b;
  const bool both_ended = (a.failed || a.stopped) && (b.failed || b.stopped);
  return both_ended && one_begins_other(a.text, b.text) && one_begins_other(a.body, b.body);
}

// Writes down what it is told; stops the parser at the head's call number `stop_at`, if not 0.
class Recorder final : public http1::ResponseHandler {
 public:
  Recorder(http1::ResponseParser& parser, http1::HeadLimits limits, unsigned stop_at)
      : parser_(parser), limits_(limits), stop_at_(stop_at) {}

  void on_head_begin(int status) override {
    require(stage_ == Stage::kNothing, "a head begins once");
    require(status >= 200 || status < 100, "informational responses are left out");
    stage_ = Stage::kHead;
    story_.text += "status " + std::to_string(status) + "\n";
    count_call();
  }
  void on_header(std::string_view name, std::string_view value) override {
    require(stage_ == Stage::kHead, "headers come in the head");
    require(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos,
            "a value is one line");
    ++fields_;
    bytes_ += name.size() + value.size();
    require(fields_ <= limits_.fields && bytes_ <= limits_.bytes, "a head keeps to its limits");
    story_.text.append(name).append(": ").append(value).append("\n");
    count_call();
  }
  void on_head_end(std::int64_t content_length) override {
    require(stage_ == Stage::kHead, "a head ends once");
    stage_ = Stage::kBody;
    content_length_ = content_length;
    story_.text += "length " + std::to_string(content_length) + "\n";
    count_call();
  }
  void on_body(std::string_view bytes) override {
    require(stage_ == Stage::kBody && !story_.stopped, "a body follows the head");
    story_.body += bytes;
    body_bytes_ += static_cast<std::int64_t>(bytes.size());
    require(content_length_ < 0 || body_bytes_ <= content_length_, "no body exceeds its length");
  }

  void on_response_end(bool keeps_alive) {
    require(stage_ == Stage::kBody, "a response ends after its head");
    require(content_length_ < 0 || body_bytes_ == content_length_, "a body is whole");
    story_.text += keeps_alive ? "kept alive\n" : "the last one\n";
    stage_ = Stage::kNothing;
    fields_ = bytes_ = 0;
    body_bytes_ = 0;
  }
  void on_failure() { story_.failed = true; }

  [[nodiscard]] bool is_stopped() const { return story_.stopped; }
  [[nodiscard]] const Story& story() const { return story_; }

 private:
  enum class Stage { kNothing, kHead, kBody };

  void count_call() {
    require(!story_.stopped, "nothing is told after stop()");
    if (stop_at_ == 0 || ++calls_ != stop_at_) return;
    story_.stopped = true;
    parser_.stop();
  }

  http1::ResponseParser& parser_;
  http1::HeadLimits limits_;
  unsigned stop_at_;
  unsigned calls_ = 0;
  Stage stage_ = Stage::kNothing;
  std::size_t fields_ = 0;
  std::size_t bytes_ = 0;
  std::int64_t content_length_ = -1;
  std::int64_t body_bytes_ = 0;
  Story story_;
};

// Reads responses from `bytes`, which arrive in pieces of these lengths.
Story read(std::string_view bytes, http1::HeadLimits limits, unsigned stop_at,
           fuzz::PieceLengths lengths) {
  http1::ResponseParser parser(limits);
  Recorder recorder(parser, limits, stop_at);
  std::string_view piece;
  for (int responses = 0; responses < kMostResponses;) {
    if (piece.empty() && !bytes.empty()) {
      piece = bytes.substr(0, lengths.next());
      bytes.remove_prefix(piece.size());
    }
    if (piece.empty()) {
      const auto ended = parser.feed_end(recorder);
      if (recorder.is_stopped()) break;
      if (ended) recorder.on_response_end(parser.keeps_alive());
      if (!ended) recorder.on_failure();
      require(ended.has_value() == parser.is_complete(), "at the end it is complete or cut off");
      break;
    }
    // A copy of its own size, so that reading beyond it is seen.
    const std::vector<char> copy(piece.begin(), piece.end());
    const auto used = parser.feed(std::string_view(copy.data(), copy.size()), recorder);
    if (recorder.is_stopped()) break;
    if (!used) {
      require(!used.error().message.empty(), "a failure has a message");
      recorder.on_failure();
      break;
    }
    require(*used <= piece.size(), "no more is used than there is");
    piece.remove_prefix(*used);
    if (parser.is_complete()) {
      ++responses;
      recorder.on_response_end(parser.keeps_alive());
      parser.reset();
    } else {
      require(piece.empty(), "what is not used belongs to the next response");
    }
  }
  return recorder.story();
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Steering steering(fuzz::text_of(data, size));
  const unsigned seed = steering.byte();
  const unsigned limit = steering.byte();
  const unsigned stop_at = steering.byte();
  const std::string_view bytes = steering.rest();
  // Most inputs have the default limits, which they cannot reach; others small ones.
  http1::HeadLimits limits;
  if (limit % 4 == 3) limits = {.bytes = limit, .fields = limit / 16};

  const Story whole = read(bytes, limits, stop_at, fuzz::PieceLengths::all_of(bytes.size()));
  const Story in_pieces =
      read(bytes, limits, stop_at, fuzz::PieceLengths::up_to(1 + seed % 32, seed));
  require(agree(whole, in_pieces), "pieces tell the same as the whole");
  return 0;
}
