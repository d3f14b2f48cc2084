// Json: what parse() takes is UTF-8 and no deeper than it says, and dump() writes it back.
#include "patient_http/json.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/json_text.h"
#include "base/text.h"
#include "fuzz/property.h"

namespace {

using namespace patient_http;
using fuzz::require;

void check_number(const Json& json) {
  require(!json.number_text().empty(), "a number has a text");
  const auto integer = json.to_int64();
  if (integer) {
    require(json.is_integer(), "only integers are integers");
    require(Json(*integer).to_int64() == integer, "an integer is written and read");
  }
  const auto number = json.to_double();
  if (!number) return;
  require(std::isfinite(*number), "a number of JSON is finite");
  const std::string text = base::ruby_float(*number);
  require(Json(*number).number_text() == text, "floats are written as Ruby writes them");
  const auto again = Json::parse(text);
  require(again && again->to_double() == number, "ruby_float() writes what reads back");
}

// Gives the depth of `json`.
std::size_t check_value(const Json& json) {
  std::size_t deepest = 0;
  if (const std::string* text = json.if_string()) {
    require(base::is_valid_utf8(*text), "texts are UTF-8");
  } else if (json.is_number()) {
    check_number(json);
  } else if (const Json::Array* array = json.if_array()) {
    for (const Json& element : *array) deepest = std::max(deepest, check_value(element));
    return deepest + 1;
  } else if (const Json::Object* object = json.if_object()) {
    std::set<std::string_view> keys;
    for (const Json::Member& member : *object) {
      require(base::is_valid_utf8(member.key), "keys are UTF-8");
      require(keys.insert(member.key).second, "no key comes twice");
      deepest = std::max(deepest, check_value(member.value));
    }
    for (const Json::Member& member : *object) {
      require(json.find(member.key) == &member.value, "find() finds the member");
    }
    return deepest + 1;
  }
  return deepest;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  const auto json = Json::parse(text);
  if (!json) {
    require(!json.error().message.empty(), "a failure has a message");
    return 0;
  }
  require(base::is_valid_utf8(text), "JSON is UTF-8");
  require(check_value(*json) <= Json::kMaxDepth, "nothing is nested deeper than kMaxDepth");
  const Json again = fuzz::written_and_read(*json);
  require(again.dump() == json->dump(), "dump() writes the same again");
  std::string appended = "x";
  again.dump_to(appended);
  require(appended == "x" + json->dump(), "dump_to() appends what dump() gives");
  return 0;
}
