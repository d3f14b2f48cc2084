#include "golden/checks.h"
#include "patient_http/payload.h"

namespace patient_http::golden {

void check_payload(const Case& recorded, Differences& differences) {
  const auto body = bytes_of(at(recorded.input(), "value"));
  if (!body) {
    const auto nothing = Payload::decode_json(Json());
    if (!nothing || *nothing || !recorded.output().is_null()) differences.add("null is not null");
    return;
  }
  const Payload payload = Payload::encode(*body, text_of(at(recorded.input(), "mimetype")));
  const auto decoded = Payload::decode_json(payload.to_json());
  if (!decoded || *decoded != body) differences.add("is not what it was when it is decoded");
  if (const Json* wanted = recorded.deviation("payload")) {
    return differences.expect_same_text("payload", wanted->dump(), payload.to_json().dump());
  }
  const std::string& wanted = text_of(recorded.output("json_string"));
  differences.expect_same_text("json_string", wanted, payload.to_json().dump());
  const auto parsed = Json::parse(wanted);
  if (!parsed) return differences.add("json_string: " + parsed.error().message);
  const auto read = Payload::decode_json(*parsed);
  if (!read || *read != bytes_of(recorded.output("decoded"))) differences.add("decoded differs");
}

void check_payload_decode(const Case& recorded, Differences& differences) {
  const auto decoded = Payload::decode_json(recorded.input());
  if (recorded.must_be_rejected()) {
    if (decoded) differences.add("was decoded, but must be rejected");
    return;
  }
  if (!decoded) return differences.add("was rejected: " + decoded.error().message);
  if (*decoded != bytes_of(recorded.output())) {
    differences.add("differs: wanted " + recorded.output().dump() + ", got " +
                    (*decoded ? shortened(**decoded) : "nothing"));
  }
}

}  // namespace patient_http::golden
