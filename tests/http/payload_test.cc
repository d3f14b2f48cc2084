#include "patient_http/payload.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "drivers/codec/gzip.h"

namespace patient_http {
namespace {

// "encoding value charset"
std::string form(std::string_view body, std::string_view content_type) {
  const Payload payload = Payload::encode(body, content_type);
  return payload.to_json().find("encoding")->dump() + " " + payload.value() + " " +
         payload.charset();
}

Result<std::optional<std::string>> decode(std::string_view json) {
  return Payload::decode_json(*Json::parse(json));
}

TEST(PayloadTest, WritesTextAsText) {
  EXPECT_EQ(form("hello", "text/plain"), R"("text" hello UTF-8)");
  EXPECT_EQ(form("{}", "application/json; charset=utf-8"), R"("text" {} UTF-8)");
  EXPECT_EQ(form("", "text/plain"), R"("text"  UTF-8)");
}

TEST(PayloadTest, WritesAnythingElseAsBase64) {
  EXPECT_EQ(form("hello", ""), R"("binary" aGVsbG8= ASCII-8BIT)");
  EXPECT_EQ(form("hello", "image/png"), R"("binary" aGVsbG8= ASCII-8BIT)");
  // As the gem has it: no case, and no +json.
  EXPECT_EQ(form("hello", "TEXT/plain"), R"("binary" aGVsbG8= ASCII-8BIT)");
  EXPECT_EQ(form("{}", "application/problem+json"), R"("binary" e30= ASCII-8BIT)");
}

TEST(PayloadTest, RecordsTheDeclaredCharset) {
  EXPECT_EQ(form("\xc3\xa9", "text/plain"), "\"text\" \xc3\xa9 ASCII-8BIT");
  EXPECT_EQ(form("\xc3\xa9", "text/plain; charset=UTF-8"), "\"text\" \xc3\xa9 UTF-8");
  EXPECT_EQ(form("\xc3\xa9", "text/plain; CHARSET=utf-8"), "\"text\" \xc3\xa9 UTF-8");
  EXPECT_EQ(form("\xc3\xa9", "text/plain; charset=us-ascii"), "\"text\" \xc3\xa9 US-ASCII");
  EXPECT_EQ(form("\xc3\xa9", "text/plain; charset=\"utf-8\""), "\"text\" \xc3\xa9 ASCII-8BIT");
  EXPECT_EQ(form("\xc3\xa9", "text/plain; charset=bogus"), "\"text\" \xc3\xa9 ASCII-8BIT");
}

TEST(PayloadTest, WritesOtherCharsetsAsBase64) {
  // The gem turns them into UTF-8 and its readers do it again: E9 arrived as C3 83 C2 A9.
  EXPECT_EQ(form("h\xe9", "text/plain; charset=iso-8859-1"), R"("binary" aOk= ASCII-8BIT)");
  EXPECT_EQ(form("hello", "text/plain; charset=iso-8859-1"), R"("text" hello UTF-8)");
  EXPECT_EQ(form(std::string_view("a\0", 2), "text/plain; charset=utf-16le"),
            R"("binary" YQA= ASCII-8BIT)");
}

TEST(PayloadTest, WritesBytesThatAreNotUtf8AsBase64) {
  // The gem fails to write such a response: its callback never came.
  EXPECT_EQ(form("\xe9", "text/plain; charset=utf-8"), R"("binary" 6Q== ASCII-8BIT)");
  EXPECT_EQ(form("\xe9", "text/plain"), R"("binary" 6Q== ASCII-8BIT)");
}

TEST(PayloadTest, CompressesLongTextsWhenThatIsShorter) {
  EXPECT_EQ(Payload::encode(std::string(4095, 'a'), "text/plain").encoding(),
            Payload::Encoding::kText);
  const Payload zipped = Payload::encode(std::string(4096, 'a'), "text/plain");
  EXPECT_EQ(zipped.encoding(), Payload::Encoding::kGzipped);
  EXPECT_EQ(zipped.charset(), "UTF-8");
  EXPECT_EQ(codec::gunzip(*base::base64_decode(zipped.value()), 5000), std::string(4096, 'a'));
  EXPECT_EQ(Payload::encode(std::string(5000, 'a'), "image/png").encoding(),
            Payload::Encoding::kBinary);
}

TEST(PayloadTest, GivesTheBytesBackWhateverTheForm) {
  for (const std::string& body : {std::string(), std::string("h\xe9"), std::string(9000, 'x'),
                                  std::string("\0\1", 2), std::string(5000, '\xe9')}) {
    for (const char* type : {"", "text/plain", "text/plain; charset=iso-8859-1"}) {
      EXPECT_EQ(Payload::encode(body, type).decode(), body);
      EXPECT_EQ(*Payload::decode_json(Payload::encode(body, type).to_json()), body);
    }
  }
}

TEST(PayloadTest, AppendsWhatItsJsonIs) {
  for (const Payload& payload : {Payload::encode("a\"\n", "text/plain"), Payload::encode("", ""),
                                 Payload::encode(std::string(5000, 'a'), "text/plain")}) {
    std::string out;
    payload.append_json(out);
    EXPECT_EQ(out, payload.to_json().dump());
  }
  const auto no_charset = Payload::from_json(*Json::parse(R"({"encoding":"text","value":"a"})"));
  std::string out;
  (*no_charset)->append_json(out);
  EXPECT_EQ(out, R"({"encoding":"text","value":"a","charset":null})");
}

TEST(PayloadTest, DecodesOnceWhateverTheCharset) {
  EXPECT_EQ(*decode(R"({"encoding":"text","value":"hé","charset":"ISO-8859-1"})"), "h\xc3\xa9");
  EXPECT_EQ(*decode(R"({"encoding":"binary","value":"/w==","charset":"UTF-8"})"), "\xff");
  EXPECT_EQ(*decode(R"({"encoding":"text","value":"abc"})"), "abc");
}

TEST(PayloadTest, DecodesNothingAsNothing) {
  EXPECT_EQ(*decode("null"), std::nullopt);
  EXPECT_EQ(*decode(R"({"encoding":"text","value":null,"charset":"UTF-8"})"), std::nullopt);
}

TEST(PayloadTest, RefusesWhatItCannotRead) {
  for (const char* bad :
       {R"({"encoding":"nope","value":"a"})", R"({"value":"a"})", R"("text")",
        R"({"encoding":"text","value":5})", R"({"encoding":"text","value":"a","charset":"nope"})",
        R"({"encoding":"text","value":"a","charset":5})",
        R"({"encoding":"gzipped","value":"notgzip=","charset":"UTF-8"})"}) {
    EXPECT_FALSE(decode(bad).has_value()) << bad;
  }
}

TEST(PayloadTest, InflatesNoMoreThanTheLimit) {
  const Json bomb = Payload::encode(std::string(100000, 'a'), "text/plain").to_json();
  EXPECT_TRUE(Payload::decode_json(bomb, 100000).has_value());
  EXPECT_FALSE(Payload::decode_json(bomb, 99999).has_value());
  EXPECT_FALSE(Payload::encode("abc", "").decode(2).has_value());
  EXPECT_FALSE(Payload::encode("abc", "text/plain").decode(2).has_value());
}

}  // namespace
}  // namespace patient_http
