#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "drivers/codec/decoder.h"

namespace patient_http::codec {

// Feeds `data` in pieces of `piece` bytes with room for `room` bytes at a time. Gives what it
// decodes to, or "failed: " and why.
inline std::string decode_in_pieces(Decoder& decoder, std::string_view data, std::size_t piece,
                                    std::size_t room) {
  std::string out;
  std::string buffer(room, '\0');
  while (!data.empty()) {
    std::string_view part = data.substr(0, piece);
    data.remove_prefix(part.size());
    for (;;) {
      const auto progress = decoder.feed(part, buffer);
      if (!progress) return "failed: " + progress.error().message;
      out.append(buffer, 0, progress->produced);
      part.remove_prefix(progress->consumed);
      if (progress->produced < room) break;
    }
    EXPECT_TRUE(part.empty());
  }
  return out;
}

}  // namespace patient_http::codec
