#include "drivers/codec/decoder.h"

#include <gtest/gtest.h>

#include <array>

#include "base/text.h"
#include "drivers/codec/decode_in_pieces.h"
#include "drivers/codec/gzip.h"

namespace patient_http::codec {
namespace {

constexpr std::string_view kHello = "hello hello hello hello";

// As brotli and zstd made them.
std::string brotli_hello() {
  return *base::base64_decode("GxYAACRAahBl6vCcPg==");
}
std::string zstd_hello() {
  return *base::base64_decode("KLUv/QBQZQAAMGhlbGxvIAEAmUsR");
}
// 64 MB of zeros; the same, with a frame for every megabyte.
std::string brotli_bomb() {
  return *base::base64_decode(
      "z///fwAkAOKxQHLv//n//w+ABEAcFoDu/T////8BkACIwwLQvf/P//9/ABIAcVgAuvf/");
}
std::string zstd_bomb() {
  const std::string megabyte =
      *base::base64_decode("KLUv/QBoTAAACAABAPz/ORACAgAQAAIAEAACABAAAgAQAAIAEAACABAAAwAQAA==");
  std::string bomb;
  for (int i = 0; i < 64; ++i) bomb.append(megabyte);
  return bomb;
}

std::string decode_whole(std::vector<Coding> codings, std::string_view data) {
  const auto decoder = make_decoder(codings);
  std::string out = decode_in_pieces(*decoder, data, data.size(), 4096);
  return decoder->finished() ? out : out + " (cut short)";
}

struct Sample {
  std::vector<Coding> codings;
  std::string data;
};

std::vector<Sample> samples() {
  return {{{Coding::kGzip}, gzip(kHello)},
          {{Coding::kBrotli}, brotli_hello()},
          {{Coding::kZstd}, zstd_hello()},
          {{Coding::kZstd, Coding::kGzip}, gzip(zstd_hello())},
          {{Coding::kBrotli, Coding::kGzip, Coding::kGzip}, gzip(gzip(brotli_hello()))}};
}

TEST(DecoderTest, DecodesWhateverThePiecesAre) {
  for (const auto& [codings, data] : samples()) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, data.size()}) {
      for (const std::size_t room :
           {std::size_t{1}, std::size_t{7}, kHello.size(), kHello.size() + 1}) {
        const auto decoder = make_decoder(codings);
        EXPECT_EQ(decode_in_pieces(*decoder, data, piece, room), kHello);
        EXPECT_TRUE(decoder->finished());
      }
    }
  }
}

TEST(DecoderTest, TellsATruncatedStream) {
  for (const auto& [codings, data] : samples()) {
    EXPECT_TRUE(make_decoder(codings)->finished()) << "nothing at all is complete";
    for (std::size_t size = 1; size < data.size(); ++size) {
      const auto decoder = make_decoder(codings);
      const std::string out = decode_in_pieces(*decoder, data.substr(0, size), size, 100);
      EXPECT_FALSE(out.starts_with("failed")) << out;
      EXPECT_FALSE(decoder->finished()) << size << " of " << data.size();
    }
  }
}

TEST(DecoderTest, DecodesFurtherZstdFramesAndSkipsThoseThatAreToBeSkipped) {
  const std::string skippable("\x50\x2a\x4d\x18\x03\0\0\0abc", 11);
  const std::string frames = skippable + zstd_hello() + skippable + zstd_hello();
  EXPECT_EQ(decode_whole({Coding::kZstd}, frames), std::string(kHello).append(kHello));
  EXPECT_EQ(decode_whole({Coding::kZstd}, frames + skippable), std::string(kHello).append(kHello));
  EXPECT_EQ(decode_whole({Coding::kZstd}, skippable.substr(0, 9)), " (cut short)");
}

TEST(DecoderTest, IgnoresWhatFollowsABrotliStreamButNotWhatFollowsAZstdFrame) {
  EXPECT_EQ(decode_whole({Coding::kBrotli}, brotli_hello() + "garbage"), kHello);
  // It may as well be a damaged frame.
  EXPECT_EQ(decode_whole({Coding::kZstd}, zstd_hello() + "garbage"),
            "failed: invalid zstd data: it is no zstd frame");
}

TEST(DecoderTest, RefusesFramesOfZstdBeforeItsFirstVersion) {
  // libzstd took them where their first four bytes came in one piece; they have windows of any
  // size.
  for (const char version : {'\x22', '\x23', '\x24', '\x25', '\x26', '\x27'}) {
    std::string frame("\0\xb5\x2f\xfd\0\0\x01\0\0", 9);
    frame[0] = version;
    EXPECT_EQ(decode_whole({Coding::kZstd}, frame),
              "failed: invalid zstd data: it is no zstd frame");
    EXPECT_EQ(decode_whole({Coding::kZstd}, zstd_hello() + frame),
              "failed: invalid zstd data: it is no zstd frame");
  }
}

TEST(DecoderTest, FailsOnWhatIsNotTheCoding) {
  EXPECT_THAT(decode_whole({Coding::kBrotli}, "<html></html>"),
              testing::StartsWith("failed: invalid br data: "));
  EXPECT_THAT(decode_whole({Coding::kZstd}, "<html></html>"),
              testing::StartsWith("failed: invalid zstd data: "));
  EXPECT_THAT(decode_whole({Coding::kZstd, Coding::kGzip}, gzip("<html></html>")),
              testing::StartsWith("failed: invalid zstd data: "));
}

TEST(DecoderTest, TakesNoLargerZstdWindowThanTheWebsEightMegabytes) {
  // "hello" with windows of 8 and of 16 MB.
  EXPECT_EQ(decode_whole({Coding::kZstd}, *base::base64_decode("KLUv/QBoKQAAaGVsbG8=")), "hello");
  EXPECT_THAT(decode_whole({Coding::kZstd}, *base::base64_decode("KLUv/QBwKQAAaGVsbG8=")),
              testing::HasSubstr("requires too much memory"));
}

TEST(DecoderTest, WritesNoMoreThanThereIsRoomForHoweverMuchItDecodesTo) {
  const std::vector<Sample> bombs = {{{Coding::kBrotli}, brotli_bomb()},
                                     {{Coding::kZstd}, zstd_bomb()},
                                     {{Coding::kBrotli, Coding::kGzip}, gzip(brotli_bomb())}};
  for (const auto& [codings, bomb] : bombs) {
    const auto decoder = make_decoder(codings);
    std::array<char, 1000> room{};
    const auto progress = decoder->feed(bomb, room);
    ASSERT_TRUE(progress.has_value()) << progress.error().message;
    EXPECT_EQ(progress->produced, room.size());
    EXPECT_FALSE(decoder->finished());
  }
}

TEST(DecoderTest, DecodesABombInManySteps) {
  constexpr std::size_t kSize = std::size_t{64} << 20;
  EXPECT_EQ(decode_whole({Coding::kBrotli}, brotli_bomb()).size(), kSize);
  EXPECT_EQ(decode_whole({Coding::kZstd}, zstd_bomb()).size(), kSize);
}

TEST(DecoderTest, KnowsTheNamesOfCodings) {
  EXPECT_EQ(parse_coding("gzip"), Coding::kGzip);
  EXPECT_EQ(parse_coding(" X-GZip "), Coding::kGzip);
  EXPECT_EQ(parse_coding("Deflate"), Coding::kDeflate);
  EXPECT_EQ(parse_coding("BR"), Coding::kBrotli);
  EXPECT_EQ(parse_coding("zstd"), Coding::kZstd);
  EXPECT_EQ(parse_coding("compress"), std::nullopt);
  EXPECT_EQ(parse_coding(""), std::nullopt);
}

TEST(DecoderTest, ReadsAListOfCodings) {
  using Codings = std::vector<Coding>;
  EXPECT_EQ(parse_codings(""), Codings{});
  EXPECT_EQ(parse_codings("identity"), Codings{});
  EXPECT_EQ(parse_codings("br"), Codings{Coding::kBrotli});
  EXPECT_EQ(parse_codings(" gzip ,, Identity,br,"), (Codings{Coding::kGzip, Coding::kBrotli}));
  EXPECT_EQ(parse_codings("gzip, compress"), std::nullopt);
  EXPECT_EQ(parse_codings("gzip, gzip, gzip")->size(), 3U);
  EXPECT_EQ(parse_codings("gzip, gzip, gzip, gzip"), std::nullopt);
}

}  // namespace
}  // namespace patient_http::codec
