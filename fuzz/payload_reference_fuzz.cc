// PayloadReference: what is taken, from JSON or from a text, can be nothing but a store's name and
// a key of our own making; a store builds file names of it.
#include "payload/payload_reference.h"

#include <algorithm>

#include "fuzz/property.h"

namespace {

using namespace patient_http;
using fuzz::require;
using payload::PayloadReference;

bool is_lower_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

void check_reference(const PayloadReference& reference) {
  const std::string& key = reference.key();
  require(key.size() == 36, "a key has 36 characters");
  for (std::size_t i = 0; i < key.size(); ++i) {
    const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
    require(is_dash ? key[i] == '-' : is_lower_hex(key[i]), "a key is a UUID in lower case");
  }
  const std::string& store = reference.store();
  require(PayloadReference::is_valid_store_name(store), "a store has a valid name");
  require(!store.empty() && store.size() <= 64 && store.front() != '.', "… that is no hidden file");
  require(store.find_first_of(std::string_view("/\\: \0", 5)) == std::string::npos,
          "… and leads nowhere else");

  require(reference.text() == store + "/" + key, "text() has two parts");
  const auto parsed = PayloadReference::parse(reference.text());
  require(parsed && *parsed == reference, "text() is read again");
  const auto json = Json::parse(reference.json());
  require(json && json->dump() == reference.json(), "json() is JSON as we write it");
  require(PayloadReference::is_reference(*json), "… of a reference");
  const auto again = PayloadReference::from_json(*json);
  require(again && *again == reference, "json() is read again");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  if (const auto reference = PayloadReference::parse(text)) {
    require(reference->text() == text, "nothing else than text() is read");
    check_reference(*reference);
  }
  const auto json = Json::parse(text);
  if (!json) return 0;
  const auto reference = PayloadReference::from_json(*json);
  if (!reference) {
    require(!reference.error().message.empty(), "a failure has a message");
    return 0;
  }
  require(PayloadReference::is_reference(*json), "only references are read");
  check_reference(*reference);
  return 0;
}
