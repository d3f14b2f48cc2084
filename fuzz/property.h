#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "patient_http/json.h"

// What every target defines; libFuzzer or replay_main.cc calls it. The bytes live for the call.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

// What the targets share.
namespace patient_http::fuzz {

// Ends the program when a property does not hold.
inline void require(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "\nThis must hold, and does not: %s\n", property);
  std::abort();
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// `json` after having been written and read.
inline Json written_and_read(const Json& json) {
  auto read = Json::parse(json.dump());
  require(read.has_value(), "what dump() writes is JSON");
  require(*read == json, "dump() and parse() give the same value");
  return std::move(*read);
}

// An input of two texts: what comes before the first line feed, and what comes after it.
struct TwoTexts {
  std::string_view first;
  std::string_view second;
};
inline TwoTexts two_texts(std::string_view text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return {text, {}};
  return {text.substr(0, end), text.substr(end + 1)};
}

// Takes the bytes that steer a target from the front of its input; zeros when there are no more.
class Steering {
 public:
  explicit Steering(std::string_view input) : rest_(input) {}

  unsigned char byte() {
    if (rest_.empty()) return 0;
    const auto first = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return first;
  }
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

// Lengths of the pieces in which bytes arrive, or of the rooms that they are written to.
class PieceLengths {
 public:
  static PieceLengths all_of(std::size_t length) { return {0, length, length}; }
  // 1 to `most`, the same ones for the same seed.
  static PieceLengths up_to(std::size_t most, unsigned seed) { return {seed, 1, most}; }

  std::size_t next() {
    state_ = state_ * 1664525U + 1013904223U;  // the generator of Numerical Recipes
    return least_ + (state_ >> 8) % (most_ - least_ + 1);
  }

 private:
  PieceLengths(std::uint32_t state, std::size_t least, std::size_t most)
      : state_(state), least_(least), most_(most) {}

  std::uint32_t state_;
  std::size_t least_;
  std::size_t most_;
};

}  // namespace patient_http::fuzz
