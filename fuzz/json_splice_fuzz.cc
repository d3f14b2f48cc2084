// Changes to the text of an object: one member has its new value, the others are as they were.
#include "base/json_splice.h"

#include "fuzz/property.h"
#include "patient_http/json.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace patient_http;
  using fuzz::require;

  std::string text(fuzz::text_of(data, size));
  const auto before = Json::parse(text);
  if (!before || !before->is_object()) return 0;
  constexpr std::string_view kKey = "retry_count";
  const auto found = base::find_json_member(text, kKey);
  require(found.has_value() == (before->find(kKey) != nullptr), "it finds what a parser finds");
  if (found) {
    const auto value = Json::parse(*found);
    require(value.has_value() && *value == *before->find(kKey), "… with its value");
  }

  base::set_json_member(text, kKey, "[7]");
  const auto after = Json::parse(text);
  require(after.has_value() && after->is_object(), "what it leaves is an object");
  Json expected = *before;
  expected.set(kKey, Json::array({7}));
  require(*after == expected, "… with the one member changed");
  return 0;
}
