#include "drivers/codec/inflater.h"

#include <gtest/gtest.h>

#include <array>

#include "base/text.h"
#include "drivers/codec/decode_in_pieces.h"
#include "drivers/codec/gzip.h"

namespace patient_http::codec {
namespace {

using Format = Inflater::Format;

// "hello hello hello hello" as zlib and as raw deflate data.
std::string zlib_hello() {
  return *base::base64_decode("eJzLSM3JyVfIQCcBaAMIsQ==");
}
std::string raw_hello() {
  const std::string zlib = zlib_hello();
  return zlib.substr(2, zlib.size() - 6);
}
constexpr std::string_view kHello = "hello hello hello hello";

std::string decode_whole(Format format, std::string_view data) {
  Inflater inflater(format);
  std::string out = decode_in_pieces(inflater, data, data.size(), 4096);
  return inflater.finished() ? out : out + " (cut short)";
}

TEST(InflaterTest, DecodesWhateverThePiecesAre) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "line " + std::to_string(i * 7919) + "\n";
  const std::string zipped = gzip(text);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, zipped.size()}) {
    for (const std::size_t room :
         {std::size_t{1}, std::size_t{1000}, text.size(), text.size() + 1}) {
      Inflater inflater(Format::kGzip);
      EXPECT_EQ(decode_in_pieces(inflater, zipped, piece, room), text) << piece << " " << room;
      EXPECT_TRUE(inflater.finished());
    }
  }
}

TEST(InflaterTest, DecodesZlibAndRawDeflate) {
  EXPECT_EQ(decode_whole(Format::kDeflate, zlib_hello()), kHello);
  EXPECT_EQ(decode_whole(Format::kDeflate, raw_hello()), kHello);
  Inflater byte_by_byte(Format::kDeflate);
  EXPECT_EQ(decode_in_pieces(byte_by_byte, raw_hello(), 1, 1), kHello);
  EXPECT_TRUE(byte_by_byte.finished());
}

TEST(InflaterTest, DecodesFurtherGzipMembers) {
  const std::string two = gzip("one, ") + gzip("two");
  EXPECT_EQ(decode_whole(Format::kGzip, two), "one, two");
  Inflater inflater(Format::kGzip);
  EXPECT_EQ(decode_in_pieces(inflater, two, 1, 1), "one, two");
  EXPECT_TRUE(inflater.finished());
}

TEST(InflaterTest, IgnoresWhatFollowsACompleteStream) {
  EXPECT_EQ(decode_whole(Format::kGzip, gzip("one") + "garbage"), "one");
  EXPECT_EQ(decode_whole(Format::kGzip, gzip("one") + "\x1f"), "one");
  EXPECT_EQ(decode_whole(Format::kGzip, gzip("one") + std::string(512, '\0')), "one");
  EXPECT_EQ(decode_whole(Format::kDeflate, zlib_hello() + "garbage"), kHello);
}

TEST(InflaterTest, TellsATruncatedStream) {
  const std::string zipped = gzip("some text that is cut short");
  for (std::size_t size = 1; size < zipped.size(); ++size) {
    Inflater inflater(Format::kGzip);
    decode_in_pieces(inflater, zipped.substr(0, size), size, 100);
    EXPECT_FALSE(inflater.finished()) << size;
  }
  Inflater second_member(Format::kGzip);
  decode_in_pieces(second_member, zipped + zipped.substr(0, 5), 100, 100);
  EXPECT_FALSE(second_member.finished());
}

TEST(InflaterTest, TakesNothingAtAllForComplete) {
  // Servers send "content-encoding: gzip" with empty bodies, of 204s for one.
  EXPECT_TRUE(Inflater(Format::kGzip).finished());
  EXPECT_TRUE(Inflater(Format::kDeflate).finished());
}

TEST(InflaterTest, FailsOnWhatIsNotTheCoding) {
  EXPECT_EQ(decode_whole(Format::kGzip, "<html>"),
            "failed: invalid gzip data: it does not begin with 1f 8b (cut short)");
  EXPECT_THAT(decode_whole(Format::kDeflate, "<html></html>"),
              testing::StartsWith("failed: invalid deflate data: "));
  std::string damaged = gzip("some text");
  damaged[damaged.size() - 6] = static_cast<char>(damaged[damaged.size() - 6] ^ 1);
  EXPECT_THAT(decode_whole(Format::kGzip, damaged), testing::HasSubstr("incorrect data check"));
}

TEST(InflaterTest, WritesNoMoreThanThereIsRoomForHoweverMuchItInflatesTo) {
  // A server may answer with a few KB that inflate to gigabytes: the caller stops in between.
  const std::string bomb = gzip(std::string(std::size_t{64} << 20, 'a'));
  ASSERT_LT(bomb.size(), 100000U);
  Inflater inflater(Format::kGzip);
  std::array<char, 1000> room{};
  const auto progress = inflater.feed(bomb, room);
  ASSERT_TRUE(progress.has_value());
  EXPECT_EQ(progress->produced, room.size());
  EXPECT_LT(progress->consumed, bomb.size());
  EXPECT_FALSE(inflater.finished());
}

}  // namespace
}  // namespace patient_http::codec
