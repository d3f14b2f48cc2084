#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "drivers/codec/decoder.h"

struct ZSTD_DCtx_s;

namespace patient_http::codec {

// Undoes "zstd" (RFC 8878): one frame after the other, skippable ones among them. A frame with a
// window over 8 MB, which RFC 9659 forbids in HTTP, is refused, and so is anything that is no
// frame, those of zstd's versions before 1.0 included.
class ZstdDecoder final : public Decoder {
 public:
  [[nodiscard]] Result<Progress> feed(std::string_view input, std::span<char> output) override;
  [[nodiscard]] bool finished() const noexcept override { return is_between_frames_; }

 private:
  struct ContextDeleter {
    void operator()(ZSTD_DCtx_s* context) const noexcept;
  };

  Result<void> start();
  [[nodiscard]] bool may_continue_magic(std::string_view bytes);

  bool is_between_frames_ = true;
  bool is_skippable_ = false;   // the frame
  std::size_t magic_read_ = 0;  // bytes of its magic number
  bool has_more_ = false;       // output that there was no room for
  std::unique_ptr<ZSTD_DCtx_s, ContextDeleter> context_;
};

}  // namespace patient_http::codec
