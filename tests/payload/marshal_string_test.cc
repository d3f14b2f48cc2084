#include "payload/marshal_string.h"

#include <gtest/gtest.h>

namespace patient_http::payload {
namespace {

using namespace std::string_literals;

const std::string kVersion = "\x04\x08";
const std::string kTail = "\x06:\x06"s + "ET";

// A string in UTF-8 whose length is written as `length`.
std::string marshalled(const std::string& length, const std::string& text) {
  return kVersion + "I\"" + length + text + kTail;
}

struct Form {
  std::size_t size;
  std::string length;
};

// Every form that Ruby writes, at its ends.
const std::vector<Form>& forms() {
  static const std::vector<Form> all = {{0, "\0"s},
                                        {1, "\x06"},
                                        {122, "\x7f"},
                                        {123, "\x01\x7b"},
                                        {255, "\x01\xff"},
                                        {256, "\x02\0\x01"s},
                                        {65535, "\x02\xff\xff"},
                                        {65536, "\x03\0\0\x01"s},
                                        {0xffffff, "\x03\xff\xff\xff"},
                                        {0x1000000, "\x04\0\0\0\x01"s}};
  return all;
}

TEST(MarshalStringTest, WritesEveryFormOfLength) {
  for (const Form& form : forms()) {
    const std::string text(form.size, 'x');
    EXPECT_TRUE(dump_marshal_string(text) == marshalled(form.length, text)) << form.size;
  }
}

TEST(MarshalStringTest, ReadsEveryFormOfLength) {
  for (const Form& form : forms()) {
    const std::string text(form.size, 'x');
    EXPECT_TRUE(load_marshal_string(marshalled(form.length, text)) == text) << form.size;
  }
}

TEST(MarshalStringTest, ReadsLengthsWithMoreBytesThanNeeded) {
  EXPECT_EQ(load_marshal_string(marshalled("\x01\x03", "abc")), "abc");
  EXPECT_EQ(load_marshal_string(marshalled("\x04\x03\0\0\0"s, "abc")), "abc");
}

TEST(MarshalStringTest, RefusesNegativeLengths) {
  for (const std::string& length :
       {"\xff\xfd"s, "\xfe\xfd\xff"s, "\xfc\0\0\0\0"s, "\xfa"s, "\x80"s}) {
    EXPECT_FALSE(load_marshal_string(marshalled(length, "abc")));
  }
}

TEST(MarshalStringTest, RefusesLengthsBeyondTheEnd) {
  for (const std::string& length :
       {"\x7f"s, "\x01\xff"s, "\x02\xff\xff"s, "\x04\xff\xff\xff\xff"s, "\x04\xff\xff\xff\x7f"s}) {
    EXPECT_FALSE(load_marshal_string(marshalled(length, "abc")));
  }
}

TEST(MarshalStringTest, RefusesEveryTruncation) {
  for (const std::string& text : {"abc"s, std::string(300, 'x')}) {
    const std::string whole = dump_marshal_string(text);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_FALSE(load_marshal_string(whole.substr(0, size))) << size;
    }
  }
}

TEST(MarshalStringTest, RefusesBytesBehindTheString) {
  EXPECT_FALSE(load_marshal_string(dump_marshal_string("abc") + "0"));
  EXPECT_FALSE(load_marshal_string(kVersion + "\"\x08" + "abc0"));
}

TEST(MarshalStringTest, ReadsTheEncodingsThatMeanTheSame) {
  const std::string string = kVersion + "I\"\x08" + "abc";
  EXPECT_EQ(load_marshal_string(kVersion + "\"\x08" + "abc"), "abc");  // binary
  EXPECT_EQ(load_marshal_string(string + "\0"s), "abc");
  EXPECT_EQ(load_marshal_string(string + "\x06:\x06" + "ET"), "abc");
  EXPECT_EQ(load_marshal_string(string + "\x06:\x06" + "EF"), "abc");  // US-ASCII
  EXPECT_EQ(load_marshal_string(string + "\x06:\x0d" + "encoding\"\x0e" + "Shift_JIS"), "abc");
}

TEST(MarshalStringTest, RefusesOtherBytesInOtherEncodings) {
  const std::string string = kVersion + "I\"\x06\xe9";
  EXPECT_FALSE(load_marshal_string(string + "\x06:\x06" + "EF"));
  EXPECT_FALSE(load_marshal_string(string + "\x06:\x0d" + "encoding\"\x0f" + "ISO-8859-1"));
  EXPECT_TRUE(load_marshal_string(string + "\x06:\x06" + "ET"));
}

TEST(MarshalStringTest, RefusesOtherInstanceVariables) {
  const std::string string = kVersion + "I\"\x08" + "abc";
  EXPECT_FALSE(load_marshal_string(string + "\x06:\x06" + "E0"));
  EXPECT_FALSE(load_marshal_string(string + "\x06:\x06" + "XT"));
  EXPECT_FALSE(load_marshal_string(string + "\x06\"\x06" + "ET"));
  EXPECT_FALSE(load_marshal_string(string + "\x07:\x06" + "ET:\x07@xT"));
  EXPECT_FALSE(load_marshal_string(string + "\xfa:\x06" + "ET"));
  EXPECT_FALSE(load_marshal_string(string + "\x06:\x0d" + "encodingT"));
  EXPECT_FALSE(load_marshal_string(string + "\x06:\x0d" + "encoding\"\x7f" + "UTF-16"));
}

TEST(MarshalStringTest, RefusesOtherTypesAndVersions) {
  for (const std::string& other : {"[\x06i\x06"s, ":\x08" + "abc"s, "0"s, "T"s, "i\x0a"s, "{\0"s,
                                   "I[\0\0"s, "I:\x06" + "aT"s, ""s, "I"s, "\""s}) {
    EXPECT_FALSE(load_marshal_string(kVersion + other)) << other;
  }
  EXPECT_FALSE(load_marshal_string("\x04\x09\"\x08" + "abc"s));
  EXPECT_FALSE(load_marshal_string("\"abc\""));
  EXPECT_FALSE(load_marshal_string(""));
}

TEST(MarshalStringTest, KnowsMarshalByItsFirstBytes) {
  EXPECT_TRUE(is_marshal(dump_marshal_string("")));
  EXPECT_FALSE(is_marshal("\"{}\""));
  EXPECT_FALSE(is_marshal("\x04"));
}

}  // namespace
}  // namespace patient_http::payload
