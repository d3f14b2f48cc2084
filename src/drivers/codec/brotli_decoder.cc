#include "drivers/codec/brotli_decoder.h"

#include <brotli/decode.h>

#include <cstdint>
#include <string>

namespace patient_http::codec {

void BrotliDecoder::StateDeleter::operator()(BrotliDecoderStateStruct* state) const noexcept {
  BrotliDecoderDestroyInstance(state);
}

Result<Decoder::Progress> BrotliDecoder::feed(std::string_view input, std::span<char> output) {
  if (is_done_) return Progress{.consumed = input.size()};
  if (!state_) {
    if (input.empty()) return Progress{};
    state_.reset(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr));
    if (!state_) return failure("cannot decode br data: out of memory");
  }
  std::size_t input_left = input.size();
  const auto* next_input = reinterpret_cast<const std::uint8_t*>(input.data());
  std::size_t room = output.size();
  auto* next_output = reinterpret_cast<std::uint8_t*>(output.data());
  const BrotliDecoderResult result = BrotliDecoderDecompressStream(
      state_.get(), &input_left, &next_input, &room, &next_output, nullptr);
  const Progress progress{.consumed = input.size() - input_left, .produced = output.size() - room};
  if (result == BROTLI_DECODER_RESULT_ERROR) {
    return failure(std::string("invalid br data: ") +
                   BrotliDecoderErrorString(BrotliDecoderGetErrorCode(state_.get())));
  }
  if (result != BROTLI_DECODER_RESULT_SUCCESS) return progress;
  is_done_ = true;
  state_.reset();
  return Progress{.consumed = input.size(), .produced = progress.produced};
}

}  // namespace patient_http::codec
