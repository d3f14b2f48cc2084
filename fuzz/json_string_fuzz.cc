// JSON strings that leave no copies behind: the same as Json reads and writes.
#include "payload/json_string.h"

#include "base/text.h"
#include "fuzz/property.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace patient_http;
  using fuzz::require;

  const std::string_view bytes = fuzz::text_of(data, size);
  const auto text = payload::load_json_string(bytes);
  const auto json = Json::parse(bytes);
  require(text.has_value() == (json && json->is_string()), "the same is a string as for Json");
  require(!text || *text == *json->if_string(), "… and the same one");

  const std::string valid = base::to_valid_utf8(bytes);
  const std::string written = payload::dump_json_string(valid);
  require(payload::load_json_string(written) == valid, "a text is written and read");
  const auto parsed = Json::parse(written);
  require(parsed && parsed->if_string() && *parsed->if_string() == valid, "… by Json too");
  require(written.find_first_of("<>&") == std::string::npos, "what HTML knows is escaped");
  return 0;
}
