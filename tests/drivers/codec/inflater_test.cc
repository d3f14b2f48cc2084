#include "drivers/codec/inflater.h"

#include <gtest/gtest.h>

#include <array>
#include <utility>

#include "base/text.h"
#include "drivers/codec/gzip.h"

namespace patient_http::codec {
namespace {

// "hello hello hello hello" as zlib and as raw deflate data.
std::string zlib_hello() {
  return *base::base64_decode("eJzLSM3JyVfIQCcBaAMIsQ==");
}
std::string raw_hello() {
  const std::string zlib = zlib_hello();
  return zlib.substr(2, zlib.size() - 6);
}
constexpr std::string_view kHello = "hello hello hello hello";

// Feeds `data` in pieces of `piece` bytes with room for `room` bytes at a time.
std::string decode(Inflater& inflater, std::string_view data, std::size_t piece, std::size_t room) {
  std::string out;
  std::string buffer(room, '\0');
  while (!data.empty()) {
    std::string_view part = data.substr(0, piece);
    data.remove_prefix(part.size());
    for (;;) {
      const auto progress = inflater.feed(part, buffer);
      if (!progress) return "failed: " + progress.error().message;
      out.append(buffer, 0, progress->produced);
      part.remove_prefix(progress->consumed);
      if (progress->produced < room) break;
    }
    EXPECT_TRUE(part.empty());
  }
  return out;
}

std::string decode_whole(Coding coding, std::string_view data) {
  Inflater inflater(coding);
  std::string out = decode(inflater, data, data.size(), 4096);
  return inflater.finished() ? out : out + " (cut short)";
}

TEST(InflaterTest, DecodesWhateverThePiecesAre) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "line " + std::to_string(i * 7919) + "\n";
  const std::string zipped = gzip(text);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, zipped.size()}) {
    for (const std::size_t room :
         {std::size_t{1}, std::size_t{1000}, text.size(), text.size() + 1}) {
      Inflater inflater(Coding::kGzip);
      EXPECT_EQ(decode(inflater, zipped, piece, room), text) << piece << " " << room;
      EXPECT_TRUE(inflater.finished());
    }
  }
}

TEST(InflaterTest, DecodesZlibAndRawDeflate) {
  EXPECT_EQ(decode_whole(Coding::kDeflate, zlib_hello()), kHello);
  EXPECT_EQ(decode_whole(Coding::kDeflate, raw_hello()), kHello);
  Inflater byte_by_byte(Coding::kDeflate);
  EXPECT_EQ(decode(byte_by_byte, raw_hello(), 1, 1), kHello);
  EXPECT_TRUE(byte_by_byte.finished());
}

TEST(InflaterTest, DecodesFurtherGzipMembers) {
  const std::string two = gzip("one, ") + gzip("two");
  EXPECT_EQ(decode_whole(Coding::kGzip, two), "one, two");
  Inflater inflater(Coding::kGzip);
  EXPECT_EQ(decode(inflater, two, 1, 1), "one, two");
  EXPECT_TRUE(inflater.finished());
}

TEST(InflaterTest, IgnoresWhatFollowsACompleteStream) {
  EXPECT_EQ(decode_whole(Coding::kGzip, gzip("one") + "garbage"), "one");
  EXPECT_EQ(decode_whole(Coding::kGzip, gzip("one") + "\x1f"), "one");
  EXPECT_EQ(decode_whole(Coding::kGzip, gzip("one") + std::string(512, '\0')), "one");
  EXPECT_EQ(decode_whole(Coding::kDeflate, zlib_hello() + "garbage"), kHello);
}

TEST(InflaterTest, TellsATruncatedStream) {
  const std::string zipped = gzip("some text that is cut short");
  for (std::size_t size = 1; size < zipped.size(); ++size) {
    Inflater inflater(Coding::kGzip);
    decode(inflater, zipped.substr(0, size), size, 100);
    EXPECT_FALSE(inflater.finished()) << size;
  }
  Inflater second_member(Coding::kGzip);
  decode(second_member, zipped + zipped.substr(0, 5), 100, 100);
  EXPECT_FALSE(second_member.finished());
}

TEST(InflaterTest, TakesNothingAtAllForComplete) {
  // Servers send "content-encoding: gzip" with empty bodies, of 204s for one.
  EXPECT_TRUE(Inflater(Coding::kGzip).finished());
  EXPECT_TRUE(Inflater(Coding::kDeflate).finished());
}

TEST(InflaterTest, FailsOnWhatIsNotTheCoding) {
  EXPECT_EQ(decode_whole(Coding::kGzip, "<html>"),
            "failed: invalid gzip data: it does not begin with 1f 8b (cut short)");
  EXPECT_THAT(decode_whole(Coding::kDeflate, "<html></html>"),
              testing::StartsWith("failed: invalid deflate data: "));
  std::string damaged = gzip("some text");
  damaged[damaged.size() - 6] = static_cast<char>(damaged[damaged.size() - 6] ^ 1);
  EXPECT_THAT(decode_whole(Coding::kGzip, damaged), testing::HasSubstr("incorrect data check"));
}

TEST(InflaterTest, WritesNoMoreThanThereIsRoomForHoweverMuchItInflatesTo) {
  // A server may answer with a few KB that inflate to gigabytes: the caller stops in between.
  const std::string bomb = gzip(std::string(std::size_t{64} << 20, 'a'));
  ASSERT_LT(bomb.size(), 100000U);
  Inflater inflater(Coding::kGzip);
  std::array<char, 1000> room{};
  const auto progress = inflater.feed(bomb, room);
  ASSERT_TRUE(progress.has_value());
  EXPECT_EQ(progress->produced, room.size());
  EXPECT_LT(progress->consumed, bomb.size());
  EXPECT_FALSE(inflater.finished());
}

TEST(InflaterTest, MovesInTheMiddleOfAStream) {
  const std::string zipped = gzip("moved in the middle");
  Inflater first(Coding::kGzip);
  std::string out = decode(first, zipped.substr(0, 14), 14, 100);
  Inflater second(std::move(first));
  out += decode(second, zipped.substr(14), 100, 100);
  EXPECT_EQ(out, "moved in the middle");
  EXPECT_TRUE(second.finished());
}

TEST(InflaterTest, KnowsTheNamesOfCodings) {
  EXPECT_EQ(parse_coding("gzip"), Coding::kGzip);
  EXPECT_EQ(parse_coding(" X-GZip "), Coding::kGzip);
  EXPECT_EQ(parse_coding("Deflate"), Coding::kDeflate);
  EXPECT_EQ(parse_coding("br"), std::nullopt);
  EXPECT_EQ(parse_coding(""), std::nullopt);
}

}  // namespace
}  // namespace patient_http::codec
