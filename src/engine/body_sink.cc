#include "engine/body_sink.h"

#include <algorithm>
#include <array>
#include <utility>

namespace patient_http::engine {

namespace {

// What is reserved on the word of a Content-Length, before the bytes are there.
constexpr std::size_t kLargestReserve = 256 * 1024;
constexpr std::size_t kDecodeStep = 16 * 1024;

}  // namespace

Result<bool, BodySink::Failed> BodySink::begin(std::string_view content_encoding,
                                               std::int64_t content_length) {
  if (content_length > 0) {
    const auto length = static_cast<std::uint64_t>(content_length);
    if (length > limit_) return unexpected(too_large());
  }
  const auto codings = codec::parse_codings(content_encoding);
  if (codings && !codings->empty()) {
    decoder_ = codec::make_decoder(*codings, limit_);
    return true;
  }
  if (content_length > 0) {
    body_.reserve(std::min(static_cast<std::size_t>(content_length), kLargestReserve));
  }
  return false;
}

Result<void, BodySink::Failed> BodySink::append(std::string_view bytes) {
  wire_bytes_ += bytes.size();
  if (wire_bytes_ > limit_) return unexpected(too_large());
  if (decoder_) return decode(bytes);
  charge_.add(bytes.size());
  body_.append(bytes);
  return {};
}

Result<void, BodySink::Failed> BodySink::decode(std::string_view bytes) {
  std::array<char, kDecodeStep> buffer;
  for (;;) {
    const auto progress = decoder_->feed(bytes, buffer);
    if (!progress) return unexpected(Failed{Problem::kUndecodable, progress.error().message});
    bytes.remove_prefix(progress->consumed);
    if (progress->produced > limit_ - body_.size()) return unexpected(too_large());
    charge_.add(progress->produced);
    body_.append(buffer.data(), progress->produced);
    if (progress->produced < buffer.size()) return {};
  }
}

Result<void, BodySink::Failed> BodySink::end() {
  if (decoder_ && !decoder_->finished()) {
    return unexpected(Failed{Problem::kUndecodable, "the compressed body ends too early"});
  }
  decoder_.reset();
  return {};
}

std::optional<std::string> BodySink::take_body() {
  if (body_.empty()) return std::nullopt;
  return std::exchange(body_, {});
}

BodySink::Failed BodySink::too_large() const {
  return {Problem::kTooLarge, "the response body is larger than max_response_size, " +
                                  std::to_string(limit_) + " bytes"};
}

}  // namespace patient_http::engine
