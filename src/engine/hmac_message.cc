#include "engine/hmac_message.h"

#include <array>
#include <utility>

#include "base/text.h"
#include "base/url.h"
#include "drivers/crypto/sha256.h"
#include "engine/sent_url.h"
#include "http/header_text.h"

namespace patient_http::engine {

namespace {

constexpr std::string_view kHeader = "header:";
constexpr std::string_view kText = "text:";

std::string_view body_of(const OutgoingRequest& request) {
  return request.body() ? std::string_view(*request.body()) : std::string_view();
}

// The origin has no secrets in it, unlike the query.
std::string host_of(const SentUrl& url) {
  const auto parsed = base::Url::parse(url.origin);
  return parsed ? parsed->origin().authority() : std::string();
}

}  // namespace

std::optional<HmacMessage::Part> HmacMessage::parse(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, Kind>, 7> kWords = {
      {{"method", Kind::kMethod},
       {"host", Kind::kHost},
       {"path", Kind::kPath},
       {"query", Kind::kQuery},
       {"body", Kind::kBody},
       {"body_sha256", Kind::kBodySha256},
       {"timestamp", Kind::kTimestamp}}};
  for (const auto& [word, kind] : kWords) {
    if (text == word) return Part{kind};
  }
  if (text.starts_with(kText)) return Part{Kind::kText, std::string(text.substr(kText.size()))};
  if (!text.starts_with(kHeader)) return std::nullopt;
  text.remove_prefix(kHeader.size());
  if (!http::is_header_name(text)) return std::nullopt;
  return Part{Kind::kHeader, base::ascii_lower(text)};
}

bool HmacMessage::is_part(std::string_view text) {
  return parse(text).has_value();
}

std::string HmacMessage::known_parts() {
  return "method, host, path, query, body, body_sha256, timestamp, header:NAME and text:TEXT";
}

HmacMessage::HmacMessage(const std::vector<std::string>& parts, std::string separator)
    : separator_(std::move(separator)) {
  for (const std::string& text : parts) parts_.push_back(parse(text).value());
}

void HmacMessage::add_header(crypto::Hmac& code, const OutgoingRequest& request,
                             std::string_view name) {
  bool is_first = true;
  for (const auto& [given, value] : request.headers()) {
    if (given != name) continue;
    if (!is_first) code.add(", ");
    code.add(value);
    is_first = false;
  }
}

void HmacMessage::add_to(crypto::Hmac& code, const OutgoingRequest& request,
                         std::string_view timestamp) const {
  const SentUrl url(request.url());
  for (const Part& part : parts_) {
    if (&part != &parts_.front()) code.add(separator_);
    switch (part.kind) {
      case Kind::kMethod:
        code.add(to_wire(request.method()));
        break;
      case Kind::kHost:
        code.add(host_of(url));
        break;
      case Kind::kPath:
        code.add(url.path);
        break;
      case Kind::kQuery:
        code.add(url.query);
        break;
      case Kind::kBody:
        code.add(body_of(request));
        break;
      case Kind::kBodySha256:
        code.add(crypto::sha256_hex(body_of(request)));
        break;
      case Kind::kTimestamp:
        code.add(timestamp);
        break;
      case Kind::kHeader:
        add_header(code, request, part.text);
        break;
      case Kind::kText:
        code.add(part.text);
        break;
    }
  }
}

}  // namespace patient_http::engine
