#include "drivers/codec/zstd_decoder.h"

#include <zstd.h>

#include <string>
#include <utility>

namespace patient_http::codec {

namespace {

constexpr int kLargestWindowLog = 23;  // RFC 9659

// The first byte of a skippable frame's magic number may have any lower half (RFC 8878 §3.1).
constexpr std::string_view kMagic = "\x28\xb5\x2f\xfd";
constexpr std::string_view kSkippableMagic = "\x50\x2a\x4d\x18";

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

// Most builds of the library take the formats before 1.0 as well, whose windows the parameter above
// does not bound (libzstd 1.5, ZSTD_LEGACY_SUPPORT), if four bytes of a frame come at once.
bool ZstdDecoder::may_continue_magic(std::string_view bytes) {
  if (magic_read_ == 0) is_skippable_ = (bytes[0] & '\xf0') == kSkippableMagic[0];
  const std::string_view magic = is_skippable_ ? kSkippableMagic : kMagic;
  const std::size_t skipped = is_skippable_ && magic_read_ == 0 ? 1 : 0;
  return magic.substr(magic_read_ + skipped).starts_with(bytes.substr(skipped));
}

Result<Decoder::Progress> ZstdDecoder::feed(std::string_view input, std::span<char> output) {
  ZSTD_inBuffer in{input.data(), 0, 0};
  ZSTD_outBuffer out{output.data(), output.size(), 0};
  // Never called with nothing to do: it would begin a frame, and count that as no progress.
  while (out.pos < out.size && (in.pos < input.size() || has_more_)) {
    if (!context_) {
      if (auto started = start(); !started) return unexpected(std::move(started.error()));
    }
    in.size = input.size();
    if (magic_read_ < kMagic.size()) {
      const std::string_view begin = input.substr(in.pos, kMagic.size() - magic_read_);
      if (!may_continue_magic(begin)) return failure("invalid zstd data: it is no zstd frame");
      magic_read_ += begin.size();
      in.size = in.pos + begin.size();
    }
    const std::size_t left = ZSTD_decompressStream(context_.get(), &out, &in);
    if (ZSTD_isError(left) != 0) {
      return failure(std::string("invalid zstd data: ") + ZSTD_getErrorName(left));
    }
    is_between_frames_ = left == 0;
    if (is_between_frames_) magic_read_ = 0;
    has_more_ = !is_between_frames_ && out.pos == out.size;
  }
  return Progress{.consumed = in.pos, .produced = out.pos};
}

}  // namespace patient_http::codec
