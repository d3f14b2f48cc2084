#include "drivers/codec/inflater.h"

#include <zlib.h>

#include <algorithm>
#include <string>
#include <utility>

namespace patient_http::codec {

namespace {

constexpr int kGzipWindowBits = 15 + 16;
constexpr int kZlibWindowBits = 15;
constexpr int kRawWindowBits = -15;
// zlib counts in 32 bits.
constexpr std::size_t kMostPerCall = std::size_t{1} << 30;

// The two-byte header of RFC 1950: method 8, a window of 32 KB or less, a multiple of 31.
bool is_zlib_header(unsigned char first, unsigned char second) {
  return (first & 0x0f) == 8 && first >> 4 <= 7 && (first * 256U + second) % 31 == 0;
}

std::string_view format_name(Inflater::Format format) {
  return format == Inflater::Format::kGzip ? "gzip" : "deflate";
}

}  // namespace

void Inflater::StreamDeleter::operator()(z_stream_s* stream) const noexcept {
  inflateEnd(stream);
  delete stream;
}

bool Inflater::finished() const noexcept {
  if (state_ == State::kDone) return true;
  return state_ == State::kHeader && (!first_ || header_size_ == 0);
}

std::string_view Inflater::pending() const noexcept {
  return std::string_view(header_.data() + header_read_, header_size_ - header_read_);
}

Result<void> Inflater::start_stream(int window_bits) {
  auto stream = std::make_unique<z_stream>();
  if (inflateInit2(stream.get(), window_bits) != Z_OK) {
    return failure("cannot decode " + std::string(format_name(format_)) + " data: out of memory");
  }
  stream_.reset(stream.release());
  return {};
}

// Decides, with both bytes of a header there, what comes.
Result<void> Inflater::begin() {
  const auto byte = [this](std::size_t i) { return static_cast<unsigned char>(header_[i]); };
  const bool first = std::exchange(first_, false);
  state_ = State::kInflating;
  if (format_ == Format::kDeflate) {
    return start_stream(is_zlib_header(byte(0), byte(1)) ? kZlibWindowBits : kRawWindowBits);
  }
  const bool is_gzip = byte(0) == 0x1f && byte(1) == 0x8b;
  if (first) {
    if (!is_gzip) return failure("invalid gzip data: it does not begin with 1f 8b");
    return start_stream(kGzipWindowBits);
  }
  if (is_gzip) {
    inflateReset(stream_.get());
  } else {
    done();
  }
  return {};
}

void Inflater::end_of_stream() noexcept {
  header_size_ = 0;
  header_read_ = 0;
  if (format_ == Format::kGzip) {
    state_ = State::kHeader;
  } else {
    done();
  }
}

void Inflater::done() noexcept {
  state_ = State::kDone;
  stream_.reset();
}

Result<Decoder::Progress> Inflater::feed(std::string_view input, std::span<char> output) {
  Progress progress;
  for (;;) {
    if (state_ == State::kDone) {
      progress.consumed = input.size();
      return progress;
    }
    if (state_ == State::kHeader) {
      while (header_size_ < header_.size() && progress.consumed < input.size()) {
        header_[header_size_++] = input[progress.consumed++];
      }
      if (header_size_ < header_.size()) return progress;
      if (auto begun = begin(); !begun) return unexpected(std::move(begun.error()));
      continue;
    }

    const bool from_header = !pending().empty();
    const std::string_view source =
        (from_header ? pending() : input.substr(progress.consumed)).substr(0, kMostPerCall);
    const std::size_t room = std::min(output.size() - progress.produced, kMostPerCall);
    if (room == 0) return progress;
    z_stream& stream = *stream_;
    // zlib does not write to its input; its interface is older than const.
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(source.data()));
    stream.avail_in = static_cast<uInt>(source.size());
    stream.next_out = reinterpret_cast<Bytef*>(output.data() + progress.produced);
    stream.avail_out = static_cast<uInt>(room);
    const int status = inflate(&stream, Z_NO_FLUSH);
    (from_header ? header_read_ : progress.consumed) += source.size() - stream.avail_in;
    progress.produced += room - stream.avail_out;

    if (status == Z_STREAM_END) {
      end_of_stream();
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      return failure("invalid " + std::string(format_name(format_)) +
                     " data: " + (stream.msg ? stream.msg : "it needs a dictionary"));
    } else if (progress.consumed == input.size() && pending().empty() && stream.avail_out > 0) {
      return progress;
    }
  }
}

}  // namespace patient_http::codec
