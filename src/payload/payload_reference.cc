#include "payload/payload_reference.h"

#include <algorithm>
#include <cassert>

#include "base/json_text.h"
#include "payload/payload_key.h"

namespace patient_http::payload {

namespace {

constexpr std::string_view kKey = "$ref";

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

// Names nothing of what stands there: a job may come from anywhere.
tl::unexpected<Failure> malformed(std::string_view what) {
  return failure("the reference to stored data is malformed: " + std::string(what));
}

constexpr std::string_view kBadStore = "its store has no name that a store can have";
constexpr std::string_view kBadKey = "its key is no UUID in lower case";

}  // namespace

bool PayloadReference::is_valid_store_name(std::string_view name) {
  constexpr std::size_t kMost = 64;
  return !name.empty() && name.size() <= kMost && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), is_name_character);
}

bool PayloadReference::is_reference(const Json& json) {
  return json.find(kKey) != nullptr;
}

Result<PayloadReference> PayloadReference::from_json(const Json& json) {
  const Json* const place = json.find(kKey);
  if (!place) return malformed("it is none");
  const auto size_of = [](const Json& object) {
    return object.if_object() ? object.if_object()->size() : 0;
  };
  if (size_of(json) != 1 || size_of(*place) != 2) {
    return malformed("it must be {\"$ref\":{\"store\":…,\"key\":…}} and nothing else");
  }
  const Json* const store = place->find("store");
  if (!store || !store->if_string() || !is_valid_store_name(*store->if_string())) {
    return malformed(kBadStore);
  }
  const Json* const key = place->find("key");
  if (!key || !key->if_string() || !is_payload_key(*key->if_string())) return malformed(kBadKey);
  return PayloadReference(*store->if_string(), *key->if_string());
}

Result<PayloadReference> PayloadReference::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view store = text.substr(0, slash);
  if (!is_valid_store_name(store)) return malformed(kBadStore);
  if (slash == std::string_view::npos || !is_payload_key(text.substr(slash + 1))) {
    return malformed(kBadKey);
  }
  return PayloadReference(std::string(store), std::string(text.substr(slash + 1)));
}

PayloadReference PayloadReference::create(std::string store) {
  assert(is_valid_store_name(store));
  return {std::move(store), base::random_uuid()};
}

std::string PayloadReference::json() const {
  return R"({"$ref":{"store":)" + base::json_string(store_) + R"(,"key":)" +
         base::json_string(key_) + "}}";
}

}  // namespace patient_http::payload
