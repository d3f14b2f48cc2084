#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "drivers/codec/decoder.h"

namespace patient_http::codec {

// Two decoders in a row, with 16 KB in between: what the first one makes of the data is what the
// second one decodes.
class DecoderChain final : public Decoder {
 public:
  // Fails beyond `most_between` bytes from the one to the other.
  DecoderChain(std::unique_ptr<Decoder> first, std::unique_ptr<Decoder> second,
               std::size_t most_between) noexcept
      : first_(std::move(first)), second_(std::move(second)), most_between_(most_between) {}

  [[nodiscard]] Result<Progress> feed(std::string_view input, std::span<char> output) override;
  [[nodiscard]] bool finished() const noexcept override;

 private:
  std::unique_ptr<Decoder> first_;
  std::unique_ptr<Decoder> second_;
  const std::size_t most_between_;
  std::size_t total_between_ = 0;
  std::vector<char> buffer_;
  std::string_view between_;  // of buffer_: what the second one has not consumed
  bool first_has_more_ = false;
};

}  // namespace patient_http::codec
