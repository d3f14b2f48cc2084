#include "golden/golden_case.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "drivers/codec/gzip.h"

namespace patient_http::golden {

namespace {

constexpr std::size_t kMostInflated = std::size_t{1} << 28;

// `json` with gzipped payloads inflated, since a compressor is free in how it compresses.
Json inflated(const Json& json) {
  if (const Json::Array* array = json.if_array()) {
    Json::Array out;
    for (const Json& element : *array) out.push_back(inflated(element));
    return out;
  }
  const Json::Object* object = json.if_object();
  if (!object) return json;
  const bool gzipped = text_of(at(json, "encoding")) == "gzipped";
  Json::Object out;
  for (const Json::Member& member : *object) {
    out.push_back({member.key, inflated(member.value)});
    if (!gzipped || member.key != "value" || !member.value.if_string()) continue;
    const auto plain =
        codec::gunzip(base::base64_decode_lenient(*member.value.if_string()), kMostInflated);
    if (plain) out.back().value = "inflated:" + base::base64_encode(*plain);
  }
  return out;
}

Json sorted(Json json) {
  if (Json::Array* array = json.if_array()) {
    for (Json& element : *array) element = sorted(std::move(element));
  }
  if (Json::Object* object = json.if_object()) {
    for (Json::Member& member : *object) member.value = sorted(std::move(member.value));
    std::sort(object->begin(), object->end(),
              [](const Json::Member& a, const Json::Member& b) { return a.key < b.key; });
  }
  return json;
}

// Where two texts part, with what stands around it.
std::string around_difference(std::string_view wanted, std::string_view got) {
  constexpr std::size_t kBefore = 30;
  const auto [a, b] = std::mismatch(wanted.begin(), wanted.end(), got.begin(), got.end());
  const auto offset = static_cast<std::size_t>(a - wanted.begin());
  const std::size_t begin = offset > kBefore ? offset - kBefore : 0;
  return "at byte " + std::to_string(offset) + ": wanted …" + shortened(wanted.substr(begin)) +
         ", got …" + shortened(got.substr(std::min(begin, got.size())));
}

std::optional<std::vector<std::string>> read_names(const Json& json) {
  std::vector<std::string> names;
  if (json.if_string()) names.push_back(*json.if_string());
  if (const Json::Array* array = json.if_array()) {
    for (const Json& name : *array) {
      if (!name.if_string()) return std::nullopt;
      names.push_back(*name.if_string());
    }
  }
  return names;
}

}  // namespace

const Json& Case::member(std::string_view key) const {
  return at(recorded_, key);
}

const Json& Case::output(std::string_view key) const {
  return at(output(), key);
}

std::string_view Case::expect() const {
  const Json* expected = deviation("expect");
  return expected && expected->if_string() ? std::string_view(*expected->if_string())
                                           : std::string_view();
}

const Json* Case::deviation(std::string_view key) const {
  return deviation_ ? deviation_->find(key) : nullptr;
}

bool Case::must_be_rejected() const {
  return expect() == "rejected" || (recorded_.find("error") && !recorded_.find("output"));
}

void Differences::add(std::string what) {
  if (!text_.empty()) text_ += "; ";
  text_ += what;
}

void Differences::expect_equal(std::string_view what, const Json& wanted, const Json& got) {
  const Json a = sorted(inflated(wanted));
  const Json b = sorted(inflated(got));
  if (a != b) add(std::string(what) + " differs " + around_difference(a.dump(), b.dump()));
}

void Differences::expect_same_text(std::string_view what, std::string_view wanted,
                                   std::string_view got) {
  if (wanted == got) return;
  if (wanted.find("\"gzipped\"") != std::string_view::npos) {
    const auto a = Json::parse(wanted);
    const auto b = Json::parse(got);
    if (a && b && inflated(*a).dump() == inflated(*b).dump()) return;
  }
  add(std::string(what) + " differs " + around_difference(wanted, got));
}

std::string shortened(std::string_view text) {
  constexpr std::size_t kMost = 100;
  if (text.size() <= kMost) return base::to_valid_utf8(text);
  return base::to_valid_utf8(text.substr(0, kMost)) + "…";
}

const Json& at(const Json& object, std::string_view key) {
  static const Json null;
  const Json* found = object.find(key);
  return found ? *found : null;
}

std::string text_of(const Json& json) {
  return json.if_string() ? *json.if_string() : std::string();
}

std::optional<std::string> bytes_of(const Json& json) {
  const Json* encoded = json.find("b64");
  if (!encoded || !encoded->if_string()) return std::nullopt;
  return base::base64_decode(*encoded->if_string());
}

std::optional<Timeout> read_timeout(const Json& json) {
  if (const auto whole = json.to_int64()) return std::chrono::seconds(*whole);
  if (const auto number = json.to_double()) return Seconds(*number);
  return std::nullopt;
}

std::optional<RequestOptions> read_options(const Json& input) {
  RequestOptions options;
  options.url = text_of(at(input, "url"));
  auto headers = HttpHeaders::from_json(at(input, "headers"));
  if (!headers) return std::nullopt;
  options.headers = std::move(*headers);
  if (const Json::Object* params = at(input, "params").if_object()) options.params = *params;
  if (const Json* encoded = input.find("body_b64")) {
    options.body = base::base64_decode_lenient(text_of(*encoded));
  } else if (const Json& body = at(input, "body"); !body.is_null()) {
    if (!body.if_string()) return std::nullopt;
    options.body = *body.if_string();
  }
  // Ruby's nil stands for "not given".
  if (const Json& json = at(input, "json"); !json.is_null()) options.json = json;
  options.timeout = read_timeout(at(input, "timeout"));
  if (!options.timeout && !at(input, "timeout").is_null()) return std::nullopt;
  if (const Json& redirects = at(input, "max_redirects"); !redirects.is_null()) {
    const auto count = redirects.to_int64();
    if (!count || *count < -1000 || *count > 1000000) return std::nullopt;
    options.max_redirects = static_cast<int>(*count);
  }
  auto names = read_names(at(input, "preprocessors"));
  if (!names) return std::nullopt;
  options.preprocessors = std::move(*names);
  return options;
}

}  // namespace patient_http::golden
