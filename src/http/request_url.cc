#include "http/request_url.h"

#include <algorithm>
#include <cctype>

#include "base/plain_url.h"
#include "base/text.h"
#include "base/url.h"

namespace patient_http::http {

namespace {

bool is_hex(std::string_view text, std::size_t i) {
  return i < text.size() && std::isxdigit(static_cast<unsigned char>(text[i])) != 0;
}

bool is_escape(std::string_view text, std::size_t i) {
  return text[i] == '%' && is_hex(text, i + 1) && is_hex(text, i + 2);
}

// What a path may hold as it is (pchar of RFC 3986, and the slash).
bool is_path_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("!$&'()*+,-./:;=@_~").find(c) != std::string_view::npos;
}

// What Ruby leaves as it is in a query: more than the RFC allows ("a[]=1" stays), but no quotes.
bool is_query_character(char c) {
  return (c > ' ' && c <= '~') && std::string_view("\"'<>`#").find(c) == std::string_view::npos;
}

std::string encode_query(std::string_view query) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : query) {
    if (is_query_character(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', kHex[byte >> 4], kHex[byte & 15]};
  }
  return out;
}

bool has_only(std::string_view text, bool (*allowed)(char)) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!allowed(text[i]) && !is_escape(text, i)) return false;
  }
  return true;
}

}  // namespace

Result<std::string> request_url(std::string_view text) {
  if (text.empty()) return failure("is required");
  if (base::read_plain_url(text)) return std::string(text);
  const auto invalid = [text](std::string_view why) {
    return failure("must be an absolute http or https url, got " + base::redact_url(text) + ": " +
                   std::string(why));
  };
  const bool printable =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (!printable) {
    return invalid("it holds control characters or characters outside ASCII; percent-encode them");
  }
  const std::size_t hash = std::min(text.find('#'), text.size());
  const std::size_t question = std::min(text.substr(0, hash).find('?'), hash);
  const std::string_view fragment = text.substr(hash);
  std::string encoded(text.substr(0, question));
  encoded += encode_query(text.substr(question, hash - question));
  encoded += fragment;
  const auto url = base::Url::parse(encoded);
  if (!url) {
    // "invalid url X: why"
    const std::string& why = url.error().message;
    const std::string prefix = "invalid url " + base::redact_url(encoded) + ": ";
    return invalid(why.starts_with(prefix) ? std::string_view(why).substr(prefix.size()) : why);
  }
  const std::size_t authority = encoded.find("//") + 2;
  const std::size_t path = std::min(encoded.find_first_of("/?#", authority), encoded.size());
  if (!has_only(std::string_view(encoded).substr(path, question - path), is_path_character)) {
    return invalid("its path holds characters that must be percent-encoded");
  }
  const auto allowed_in_fragment = [](char c) { return c == '?' || is_path_character(c); };
  if (!fragment.empty() && !has_only(fragment.substr(1), allowed_in_fragment)) {
    return invalid("its fragment holds characters that must be percent-encoded");
  }

  std::string_view authority_text = std::string_view(encoded).substr(authority, path - authority);
  const std::size_t colon = authority_text.rfind(':');
  const std::string standard = url->origin().is_tls() ? "443" : "80";
  const bool has_port = colon != std::string_view::npos &&
                        authority_text.find_first_of("@]", colon) == std::string_view::npos;
  std::string out = url->origin().scheme + "://";
  if (has_port) authority_text = authority_text.substr(0, colon);
  out += authority_text;
  if (std::to_string(url->origin().port) != standard) {
    out += ":" + std::to_string(url->origin().port);
  }
  return out.append(encoded, path);
}

Result<std::string> resolve_request_url(const std::string& base, std::string_view reference) {
  const std::size_t path_end = std::min(reference.find_first_of("?#"), reference.size());
  const std::string_view path = reference.substr(0, path_end);
  const std::string_view rest = reference.substr(path_end);
  const std::size_t colon = path.find_first_of(":/");
  if (colon != std::string_view::npos && path[colon] == ':') return request_url(reference);
  if (path.starts_with("//")) {
    return request_url(base.substr(0, base.find(':') + 1) + std::string(reference));
  }
  if (path.empty()) {
    const bool keeps_query = !rest.starts_with('?');
    return request_url(base.substr(0, base.find_first_of(keeps_query ? "#" : "?#")).append(rest));
  }
  if (!has_only(path, is_path_character)) {
    return failure("must be a url or a path, got " + base::redact_url(path) +
                   ": it holds characters that must be percent-encoded");
  }
  const auto base_url = base::Url::parse(base);
  if (!base_url) return failure(base_url.error().message);
  const auto resolved = base_url->resolve(path);
  if (!resolved) return failure(resolved.error().message);
  return request_url(resolved->text() + std::string(rest));
}

}  // namespace patient_http::http
