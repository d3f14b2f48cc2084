#include "drivers/codec/zstd_decoder.h"

#include <zstd.h>

#include <string>

namespace patient_http::codec {

namespace {

constexpr int kLargestWindowLog = 23;  // RFC 9659

}  // namespace

void ZstdDecoder::ContextDeleter::operator()(ZSTD_DCtx_s* context) const noexcept {
  ZSTD_freeDCtx(context);
}

Result<void> ZstdDecoder::start() {
  context_.reset(ZSTD_createDCtx());
  if (!context_ || ZSTD_isError(ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax,
                                                       kLargestWindowLog)) != 0) {
    return failure("cannot decode zstd data: out of memory");
  }
  return {};
}

Result<Decoder::Progress> ZstdDecoder::feed(std::string_view input, std::span<char> output) {
  ZSTD_inBuffer in{input.data(), input.size(), 0};
  ZSTD_outBuffer out{output.data(), output.size(), 0};
  // Never called with nothing to do: it would begin a frame, and count that as no progress.
  while (out.pos < out.size && (in.pos < in.size || has_more_)) {
    if (!context_) {
      if (auto started = start(); !started) return unexpected(std::move(started.error()));
    }
    const std::size_t left = ZSTD_decompressStream(context_.get(), &out, &in);
    if (ZSTD_isError(left) != 0) {
      return failure(std::string("invalid zstd data: ") + ZSTD_getErrorName(left));
    }
    is_between_frames_ = left == 0;
    has_more_ = !is_between_frames_ && out.pos == out.size;
  }
  return Progress{.consumed = in.pos, .produced = out.pos};
}

}  // namespace patient_http::codec
