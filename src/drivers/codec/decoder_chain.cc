#include "drivers/codec/decoder_chain.h"

namespace patient_http::codec {

namespace {

constexpr std::size_t kBufferSize = std::size_t{16} * 1024;

}  // namespace

Result<Decoder::Progress> DecoderChain::feed(std::string_view input, std::span<char> output) {
  buffer_.resize(kBufferSize);
  Progress progress;
  for (;;) {
    auto second = second_->feed(between_, output.subspan(progress.produced));
    if (!second) return second;
    between_.remove_prefix(second->consumed);
    progress.produced += second->produced;
    if (progress.produced == output.size()) return progress;
    if (!first_has_more_ && progress.consumed == input.size()) return progress;

    auto first = first_->feed(input.substr(progress.consumed), buffer_);
    if (!first) return first;
    progress.consumed += first->consumed;
    between_ = std::string_view(buffer_.data(), first->produced);
    first_has_more_ = first->produced == buffer_.size();
  }
}

bool DecoderChain::finished() const noexcept {
  return between_.empty() && first_->finished() && second_->finished();
}

}  // namespace patient_http::codec
