// Decoders: data, whole and in pieces, must give the same bytes, and never more than there is room
// for. The first two bytes steer: what is done, and the pieces.
#include "drivers/codec/decoder.h"

#include <string>
#include <vector>

#include "drivers/codec/gzip.h"
#include "fuzz/property.h"

namespace {

using namespace patient_http;
using fuzz::require;

// More than gunzip() inflates at once.
constexpr std::size_t kMost = 20'000;
constexpr std::size_t kMostBetween = 1'000'000;

using Codings = std::vector<codec::Coding>;

struct Decoded {
  std::string bytes;
  bool failed = false;
  bool finished = false;
  bool cut = false;  // at kMost bytes
};

// Decodes what arrives in pieces of these lengths, into rooms of these lengths.
Decoded decode(const Codings& codings, std::string_view data, fuzz::PieceLengths input_lengths,
               fuzz::PieceLengths room_lengths) {
  const auto decoder = codec::make_decoder(codings, kMostBetween);
  Decoded result;
  std::string_view piece;
  bool more = false;
  while (more || !data.empty()) {
    if (piece.empty()) {
      piece = data.substr(0, input_lengths.next());
      data.remove_prefix(piece.size());
    }
    // Of their own sizes, so that reading or writing beyond them is seen.
    const std::vector<char> input(piece.begin(), piece.end());
    std::vector<char> room(room_lengths.next());
    const auto progress = decoder->feed(std::string_view(input.data(), input.size()), room);
    if (!progress) {
      require(!progress.error().message.empty(), "a failure has a message");
      result.failed = true;
      return result;
    }
    require(progress->consumed <= piece.size(), "no more is consumed than there is");
    require(progress->produced <= room.size(), "no more is produced than there is room for");
    more = progress->produced == room.size();
    require(more || progress->consumed == piece.size(), "all is consumed unless the room is full");
    piece.remove_prefix(progress->consumed);
    result.bytes.append(room.data(), progress->produced);
    if (result.bytes.size() > kMost) {
      result.cut = true;
      return result;
    }
  }
  result.finished = decoder->finished();
  return result;
}

bool is_prefix(const std::string& a, const std::string& b) {
  return a.size() <= b.size() ? b.starts_with(a) : a.starts_with(b);
}

void check_pieces(const Codings& codings, std::string_view data, unsigned seed) {
  using fuzz::PieceLengths;
  const Decoded whole =
      decode(codings, data, PieceLengths::all_of(data.size()), PieceLengths::all_of(kMost + 1));
  const Decoded pieces = decode(codings, data, PieceLengths::up_to(1 + seed % 16, seed),
                                PieceLengths::up_to(1 + seed * 4, seed));
  require(is_prefix(whole.bytes, pieces.bytes), "pieces decode to the same as the whole");
  if (whole.cut || pieces.cut) return;
  require(whole.failed == pieces.failed, "they fail together");
  if (whole.failed) return;
  require(whole.bytes == pieces.bytes, "they decode to as many bytes");
  require(whole.finished == pieces.finished, "they end together");
  if (codings != Codings{codec::Coding::kGzip} || data.empty()) return;
  const auto at_once = codec::gunzip(data, kMost);
  require(at_once.has_value() == whole.finished, "gunzip() takes whole data only");
  require(!at_once || *at_once == whole.bytes, "gunzip() inflates to the same");
}

void check_round_trip(std::string_view data) {
  const std::string zipped = codec::gzip(data);
  const auto unzipped = codec::gunzip(zipped, data.size());
  require(unzipped && *unzipped == data, "data is zipped and unzipped");
  require(data.empty() || !codec::gunzip(zipped, data.size() - 1), "the limit holds to the byte");
  require(codec::gzip(data) == zipped, "equal data is zipped to equal bytes");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using codec::Coding;
  static const std::vector<Codings> kinds = {{Coding::kGzip},
                                             {Coding::kDeflate},
                                             {Coding::kBrotli},
                                             {Coding::kZstd},
                                             {Coding::kBrotli, Coding::kGzip},
                                             {Coding::kGzip, Coding::kDeflate, Coding::kZstd}};
  fuzz::Steering steering(fuzz::text_of(data, size));
  const unsigned what = steering.byte() % 8;
  const unsigned seed = steering.byte();
  if (what < kinds.size()) {
    check_pieces(kinds[what], steering.rest(), seed);
  } else {
    check_round_trip(steering.rest());
  }
  return 0;
}
