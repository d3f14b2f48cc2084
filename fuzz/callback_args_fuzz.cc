// CallbackArgs: an object as it was given, not deeper than a job may carry it.
#include "patient_http/callback_args.h"

#include "fuzz/property.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace patient_http;
  using fuzz::require;

  const auto json = Json::parse(fuzz::text_of(data, size));
  if (!json) return 0;
  const auto args = CallbackArgs::create(*json);
  if (!args) {
    require(!args.error().field.empty(), "a failure names its field");
    return 0;
  }
  const Json::Object* members = args->to_json().if_object();
  require(members != nullptr, "callback arguments are an object");
  require(json->is_null() ? args->empty() : args->to_json() == *json, "they stay as they are");
  require(args->size() == members->size() && args->keys().size() == members->size(),
          "there are as many keys as members");
  for (const Json::Member& member : *members) {
    require(args->contains(member.key), "a key is there");
    const auto value = args->at(member.key);
    require(value && *value == member.value, "at() gives the value");
    require(args->fetch(member.key) == member.value, "so does fetch()");
  }

  // Inside a job, its arguments, an error and a response.
  Json carried = args->to_json();
  for (int level = 0; level < 4; ++level) carried = Json::array({std::move(carried)});
  fuzz::written_and_read(carried);
  return 0;
}
