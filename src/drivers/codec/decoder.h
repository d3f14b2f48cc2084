#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "patient_http/result.h"

namespace patient_http::codec {

// The content codings that we undo (RFC 9110 §8.4.1).
enum class Coding { kGzip, kDeflate, kBrotli, kZstd };

// What we accept, as the value of an accept-encoding header.
inline constexpr std::string_view kAcceptEncoding = "gzip, deflate, br, zstd";

// Nobody has a use for more; each costs the memory of a decoder.
inline constexpr std::size_t kMostCodings = 3;

// "gzip", "x-gzip", "deflate", "br" and "zstd" in any case; empty for anything else.
[[nodiscard]] std::optional<Coding> parse_coding(std::string_view name);

// The codings of a content-encoding header, in the order in which they were applied, without
// "identity". No value if one of them is unknown or there are more than kMostCodings: then the body
// cannot be decoded.
[[nodiscard]] std::optional<std::vector<Coding>> parse_codings(std::string_view content_encoding);

// Undoes content codings of a body that comes in pieces, into memory of the caller: however much a
// piece decodes to, feed() writes no more than it was given room for.
//
// Memory is taken by the first feed() and freed with the object. Besides a fixed part it is a
// window of what was decoded last. Pages of it that were not written yet are not resident: a window
// takes no more than was decoded so far, and no more than the coding's bound.
//
//   coding          fixed, about   window, at most
//   gzip, deflate   8 KB           32 KB
//   br              70 KB          16 MB
//   zstd            110 KB          8 MB
//
// Not thread-safe.
class Decoder {
 public:
  struct Progress {
    std::size_t consumed = 0;  // bytes of the input
    std::size_t produced = 0;  // bytes of the output
  };

  Decoder() = default;
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  virtual ~Decoder() = default;

  // Decodes from `input` into `output` until one of them is used up. When `produced` is all of
  // `output` there may be more: call again with what was not consumed, be it nothing. Otherwise
  // all of `input` was consumed. The failure says what is wrong with the data; the object is of no
  // further use after it.
  [[nodiscard]] virtual Result<Progress> feed(std::string_view input, std::span<char> output) = 0;

  // Whether the data may end here. False in the middle of a stream: the body was cut short. True
  // when nothing was fed, since a body without a byte is sent with any content-encoding.
  [[nodiscard]] virtual bool finished() const noexcept = 0;
};

// REQUIRES: `codings` is not empty; they are in the order in which they were applied.
// `most_between` bounds the bytes between two of them, beyond which feed() fails: they need not
// make any output, and yet a few KB on the wire may be gigabytes of them.
[[nodiscard]] std::unique_ptr<Decoder> make_decoder(std::span<const Coding> codings,
                                                    std::size_t most_between);

}  // namespace patient_http::codec
