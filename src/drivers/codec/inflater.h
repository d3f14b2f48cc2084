#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "drivers/codec/decoder.h"

struct z_stream_s;

namespace patient_http::codec {

// Undoes "gzip" and "deflate".
//
// gzip: further members after the first are decoded too; what follows the last one and does not
// begin like a member is ignored, as curl and gzip(1) do. deflate: the zlib format, or raw deflate
// data as some servers send it, told apart by the first two bytes.
class Inflater final : public Decoder {
 public:
  enum class Format { kGzip, kDeflate };

  explicit Inflater(Format format) noexcept : format_(format) {}

  [[nodiscard]] Result<Progress> feed(std::string_view input, std::span<char> output) override;
  [[nodiscard]] bool finished() const noexcept override;

 private:
  enum class State { kHeader, kInflating, kDone };
  struct StreamDeleter {
    void operator()(z_stream_s* stream) const noexcept;
  };

  Result<void> begin();
  Result<void> start_stream(int window_bits);
  void end_of_stream() noexcept;
  void done() noexcept;
  [[nodiscard]] std::string_view pending() const noexcept;

  Format format_;
  State state_ = State::kHeader;
  bool first_ = true;
  // The two bytes that tell what comes; they may arrive in two pieces, and are inflated first.
  std::array<char, 2> header_{};
  std::size_t header_size_ = 0;
  std::size_t header_read_ = 0;
  // On the heap, since zlib keeps a pointer back to it.
  std::unique_ptr<z_stream_s, StreamDeleter> stream_;
};

}  // namespace patient_http::codec
