#include "payload/json_string.h"

#include <gtest/gtest.h>

#include "patient_http/json.h"

namespace patient_http::payload {
namespace {

using namespace std::string_literals;

// What ActiveSupport::JSON.encode wrote.
TEST(JsonStringTest, EscapesAsActiveSupportDoes) {
  std::string ascii;
  for (int c = 0; c < 0x80; ++c) ascii += static_cast<char>(c);
  EXPECT_EQ(
      dump_json_string(ascii),
      R"("\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f\u0010\u0011)"
      R"(\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f !\")"
      R"(#$%\u0026'()*+,-./0123456789:;\u003c=\u003e?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghij)"
      "klmnopqrstuvwxyz{|}~\x7f\"");
  EXPECT_EQ(dump_json_string("é\u2027\u2028\u2029\u202a😀"), "\"é\u2027\\u2028\\u2029\u202a😀\"");
  EXPECT_EQ(dump_json_string(""), "\"\"");
}

TEST(JsonStringTest, ReadsWhatItWrites) {
  for (const std::string& text : {""s, "{\"a\":1}"s, "<é\u2028\u2029\U0001f600&>"s,
                                  "\0\x1f\x7f\\\""s, std::string(70000, 'y')}) {
    EXPECT_EQ(load_json_string(dump_json_string(text)), text);
  }
}

TEST(JsonStringTest, ReadsEveryEscape) {
  EXPECT_EQ(load_json_string(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(load_json_string(R"("\u0041\u00e9\u20AC\ud83d\ude00\u0000")"), "Aé€😀\0"s);
  EXPECT_EQ(load_json_string(" \n\"a\"\t "), "a");
}

TEST(JsonStringTest, RefusesWhatIsNoString) {
  for (const std::string& other : {""s,
                                   "\""s,
                                   "a"s,
                                   "{}"s,
                                   "[\"a\"]"s,
                                   "1"s,
                                   "null"s,
                                   "\"a"s,
                                   "a\""s,
                                   "'a'"s,
                                   "\"a\"b\""s,
                                   "\"a\" \"b\""s,
                                   R"("\")"s,
                                   R"("\x41")"s,
                                   R"("\u12")"s,
                                   R"("\u12g4")"s,
                                   R"("\ud83d")"s,
                                   R"("\ud83dx")"s,
                                   R"("\ud83d\u0041")"s,
                                   R"("\ude00")"s,
                                   R"("\ud83d\n")"s,
                                   "\"\n\""s,
                                   "\"\xff\""s,
                                   "\"\xed\xa0\x80\""s}) {
    EXPECT_FALSE(load_json_string(other)) << other;
    EXPECT_FALSE(Json::parse(other) && Json::parse(other)->if_string()) << other;
  }
}

}  // namespace
}  // namespace patient_http::payload
