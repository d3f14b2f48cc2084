// Payload: the bytes as its JSON; and as a content type, a line feed, and a body to encode.
#include "patient_http/payload.h"

#include "fuzz/property.h"

namespace {

using namespace patient_http;
using fuzz::require;

constexpr std::size_t kMost = 4096;

void check_payload(const Payload& payload) {
  const Json json = fuzz::written_and_read(payload.to_json());
  std::string appended;
  payload.append_json(appended);
  require(appended == json.dump(), "append_json() writes what to_json() gives");
  const auto again = Payload::from_json(json);
  require(again && *again && **again == payload, "a payload is written and read");

  const auto bytes = payload.decode();
  const auto few = payload.decode(kMost);
  require(!few || few->size() <= kMost, "decode() keeps to its limit");
  require(few.has_value() == (bytes && bytes->size() <= kMost), "… and fails for no other reason");
  require(!few || *few == *bytes, "the limit changes nothing else");
  const auto at_once = Payload::decode_json(json);
  require(at_once.has_value() == bytes.has_value(), "decode_json() is from_json() and decode()");
  require(!bytes || (*at_once && **at_once == *bytes), "… to the byte");
}

void check_body(std::string_view content_type, std::string_view body) {
  const Payload payload = Payload::encode(body, content_type);
  const auto decoded = payload.decode();
  require(decoded && *decoded == body, "a body is encoded and decoded");
  require(Payload::encode(body, content_type) == payload, "equal bodies have equal forms");
  require(payload.encoding() == Payload::Encoding::kGzipped || body.size() >= kMost ||
              payload.is_canonical(body, content_type),
          "what encode() gives is canonical");
  check_payload(payload);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  if (const auto json = Json::parse(text)) {
    const auto payload = Payload::from_json(*json);
    if (payload && *payload) check_payload(**payload);
  }
  const auto [content_type, body] = fuzz::two_texts(text);
  check_body(content_type, body);
  return 0;
}
