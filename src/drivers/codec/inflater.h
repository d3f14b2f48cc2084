#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "patient_http/result.h"

struct z_stream_s;

namespace patient_http::codec {

// The content codings that we undo (RFC 9110 §8.4.1).
enum class Coding { kGzip, kDeflate };

// "gzip", "x-gzip" and "deflate" in any case; empty for anything else.
[[nodiscard]] std::optional<Coding> parse_coding(std::string_view name);

// Undoes one content coding of a body that comes in pieces, into memory of the caller: however
// much a piece inflates to, feed() writes no more than it was given room for.
//
// gzip: further members after the first are decoded too; what follows the last one and does not
// begin like a member is ignored, as curl and gzip(1) do. deflate: the zlib format, or raw deflate
// data as some servers send it, told apart by the first two bytes.
//
// Memory (about 40 KB) is taken by the first feed(). Movable; not thread-safe.
class Inflater {
 public:
  struct Progress {
    std::size_t consumed = 0;  // bytes of the input
    std::size_t produced = 0;  // bytes of the output
  };

  explicit Inflater(Coding coding) noexcept : coding_(coding) {}

  // Decodes from `input` into `output` until one of them is used up. When `produced` is all of
  // `output` there may be more: call again with what was not consumed, be it nothing. Otherwise
  // all of `input` was consumed. The failure says what is wrong with the data; the object is of no
  // further use after it.
  [[nodiscard]] Result<Progress> feed(std::string_view input, std::span<char> output);

  // Whether the data may end here. False in the middle of a stream: the body was cut short. True
  // when nothing was fed, since a body without a byte is sent with any content-encoding.
  [[nodiscard]] bool finished() const noexcept;

 private:
  enum class State { kHeader, kInflating, kDone };
  struct StreamDeleter {
    void operator()(z_stream_s* stream) const noexcept;
  };

  Result<void> begin();
  Result<void> start_stream(int window_bits);
  void end_of_stream() noexcept;
  [[nodiscard]] std::string_view pending() const noexcept;

  Coding coding_;
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
