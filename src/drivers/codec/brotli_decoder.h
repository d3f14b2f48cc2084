#pragma once

#include <memory>
#include <string_view>

#include "drivers/codec/decoder.h"

struct BrotliDecoderStateStruct;

namespace patient_http::codec {

// Undoes "br" (RFC 7932), without the large windows that are no part of it. What follows the end of
// the stream is ignored, as after gzip.
class BrotliDecoder final : public Decoder {
 public:
  [[nodiscard]] Result<Progress> feed(std::string_view input, std::span<char> output) override;
  [[nodiscard]] bool finished() const noexcept override { return !state_; }

 private:
  struct StateDeleter {
    void operator()(BrotliDecoderStateStruct* state) const noexcept;
  };

  bool is_done_ = false;
  std::unique_ptr<BrotliDecoderStateStruct, StateDeleter> state_;  // null before and after the data
};

}  // namespace patient_http::codec
