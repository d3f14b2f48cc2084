#include "drivers/http1/response_parser.h"

#include <http_parser.h>

namespace patient_http::http1 {

namespace {

constexpr int kGoOn = 0;
constexpr int kStop = 1;
// Answers of on_headers_complete.
constexpr int kNoBody = 1;
constexpr int kFail = -1;

static_assert(kLargestHead == HTTP_MAX_HEADER_SIZE);

// What each response is charged beside its names and values, so that informational ones, of which
// there may be any number, are bounded too: "HTTP/1.1 100".
constexpr std::size_t kStatusLineBytes = 12;

// http_parser would wait for a body if such a response has a content-length (RFC 9112 §6.3).
bool has_no_body(unsigned status) {
  return status < 200 || status == 204 || status == 304;
}

// What no value of a field may hold (RFC 9110 §5.5).
bool is_control_character(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

}  // namespace

struct ResponseParser::Callbacks {
  static ResponseParser& self(http_parser* parser) {
    return *static_cast<ResponseParser*>(parser->data);
  }

  static int on_begin(http_parser* parser) {
    self(parser).begun_ = true;
    self(parser).status_told_ = false;
    self(parser).in_trailers_ = false;
    return self(parser).charge(kStatusLineBytes) ? kGoOn : kStop;
  }

  static int on_reason(http_parser* parser, const char*, std::size_t size) {
    return self(parser).charge(size) ? kGoOn : kStop;
  }

  static int on_field(http_parser* parser, const char* data, std::size_t size) {
    ResponseParser& me = self(parser);
    if (me.in_value_) me.flush_header();
    if (me.stopped_ || !me.charge(size)) return kStop;
    me.name_.append(data, size);
    return kGoOn;
  }

  static int on_value(http_parser* parser, const char* data, std::size_t size) {
    ResponseParser& me = self(parser);
    if (!me.charge(size)) return kStop;
    // http_parser 2.9 looks at all of a value but its first character.
    me.bad_value_ = size > 0 && is_control_character(data[0]);
    if (me.bad_value_) return kStop;
    me.in_value_ = true;
    me.value_.append(data, size);
    return kGoOn;
  }

  static int on_headers_complete(http_parser* parser) {
    ResponseParser& me = self(parser);
    // http_parser takes any number up to 999; a status has three digits (RFC 9110 §15).
    me.bad_status_ = parser->status_code < 100;
    if (me.bad_status_) return kFail;
    if (parser->status_code == 101) {
      me.switches_protocols_ = true;
      return kFail;
    }
    if (me.is_informational()) {
      me.name_.clear();
      me.value_.clear();
      me.in_value_ = false;
      return kNoBody;
    }
    me.flush_header();
    me.in_trailers_ = true;
    if (me.stopped_ || me.too_large_) return kFail;
    const bool is_chunked = (parser->flags & F_CHUNKED) != 0;
    const bool has_length = parser->content_length != static_cast<std::uint64_t>(-1);
    me.framed_twice_ = is_chunked && (parser->flags & F_CONTENTLENGTH) != 0;
    std::int64_t length = -1;
    if (has_length && !is_chunked) length = static_cast<std::int64_t>(parser->content_length);
    if (has_no_body(parser->status_code)) length = 0;
    me.handler_->on_head_end(length);
    if (me.stopped_) return kFail;
    return has_no_body(parser->status_code) ? kNoBody : kGoOn;
  }

  static int on_body(http_parser* parser, const char* data, std::size_t size) {
    ResponseParser& me = self(parser);
    me.handler_->on_body({data, size});
    return me.stopped_ ? kStop : kGoOn;
  }

  static int on_complete(http_parser* parser) {
    ResponseParser& me = self(parser);
    if (me.is_informational()) return kGoOn;  // the real one follows
    me.complete_ = true;
    me.keeps_alive_ = http_should_keep_alive(parser) != 0 && !me.framed_twice_;
    // What follows belongs to no request of ours.
    http_parser_pause(parser, 1);
    return kGoOn;
  }

  static const http_parser_settings& settings() {
    static const http_parser_settings settings = [] {
      http_parser_settings made{};
      made.on_message_begin = on_begin;
      made.on_status = on_reason;
      made.on_header_field = on_field;
      made.on_header_value = on_value;
      made.on_headers_complete = on_headers_complete;
      made.on_body = on_body;
      made.on_message_complete = on_complete;
      return made;
    }();
    return settings;
  }
};

ResponseParser::ResponseParser(HeadLimits limits)
    : limits_(limits), parser_(std::make_unique<http_parser>()) {
  reset();
}

ResponseParser::~ResponseParser() = default;

void ResponseParser::reset() {
  http_parser_init(parser_.get(), HTTP_RESPONSE);
  parser_->data = this;
  // Transfer-Encoding wins over a Content-Length beside it (RFC 9112 §6.3); the connection is
  // closed afterwards, as keeps_alive() says.
  parser_->allow_chunked_length = 1;
  name_.clear();
  value_.clear();
  in_value_ = status_told_ = in_trailers_ = begun_ = complete_ = keeps_alive_ = false;
  stopped_ = too_large_ = switches_protocols_ = bad_value_ = bad_status_ = framed_twice_ = false;
  head_bytes_ = head_fields_ = 0;
}

Result<std::size_t, ParseFailure> ResponseParser::feed(std::string_view bytes,
                                                       ResponseHandler& handler) {
  handler_ = &handler;
  const std::size_t read =
      http_parser_execute(parser_.get(), &Callbacks::settings(), bytes.data(), bytes.size());
  handler_ = nullptr;
  if (complete_ || stopped_) return read;
  if (HTTP_PARSER_ERRNO(parser_) != HPE_OK) return unexpected(failure_now());
  return read;
}

Result<void, ParseFailure> ResponseParser::feed_end(ResponseHandler& handler) {
  handler_ = &handler;
  http_parser_execute(parser_.get(), &Callbacks::settings(), nullptr, 0);
  handler_ = nullptr;
  keeps_alive_ = false;
  if (complete_ || stopped_) return {};
  return unexpected(ParseFailure{ParseFailure::Kind::kMalformed, "the response was cut off"});
}

void ResponseParser::stop() {
  stopped_ = true;
}

bool ResponseParser::charge(std::size_t bytes) {
  head_bytes_ += bytes;
  too_large_ = too_large_ || head_bytes_ > limits_.bytes;
  return !too_large_;
}

void ResponseParser::flush_header() {
  if (!status_told_ && !is_informational()) {
    status_told_ = true;
    handler_->on_head_begin(static_cast<int>(parser_->status_code));
  }
  if (in_value_) {
    if (++head_fields_ > limits_.fields) too_large_ = true;
    // Trailers are read and dropped: they could overwrite what the head said.
    const bool is_dropped = in_trailers_ || is_informational();
    if (!is_dropped && !stopped_ && !too_large_) handler_->on_header(name_, value_);
  }
  name_.clear();
  value_.clear();
  in_value_ = false;
}

bool ResponseParser::is_informational() const {
  return parser_->status_code >= 100 && parser_->status_code < 200;
}

ParseFailure ResponseParser::failure_now() const {
  const auto code = HTTP_PARSER_ERRNO(parser_);
  if (too_large_ || code == HPE_HEADER_OVERFLOW) {
    return {ParseFailure::Kind::kHeadTooLarge,
            "the response has more than " + std::to_string(limits_.bytes) + " bytes or " +
                std::to_string(limits_.fields) + " fields of headers and trailers"};
  }
  if (switches_protocols_) {
    return {ParseFailure::Kind::kMalformed, "the server switched to another protocol (status 101)"};
  }
  if (bad_status_) {
    return {ParseFailure::Kind::kMalformed, "malformed response: its status is below 100"};
  }
  if (bad_value_) {
    return {ParseFailure::Kind::kMalformed,
            "malformed response: a header's value holds a control character"};
  }
  return {ParseFailure::Kind::kMalformed,
          std::string("malformed response: ") + http_errno_description(code)};
}

}  // namespace patient_http::http1
