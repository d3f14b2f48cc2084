#include "base/plain_url.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace patient_http::base {

namespace {

// What a character may be part of.
enum Place : unsigned char { kHost = 1, kPath = 2, kQuery = 4 };

constexpr std::array<unsigned char, 256> make_places() {
  std::array<unsigned char, 256> places{};
  const auto add = [&](std::string_view characters, unsigned where) {
    for (const char c : characters) {
      auto& place = places[static_cast<unsigned char>(c)];
      place = static_cast<unsigned char>(place | where);
    }
  };
  add("abcdefghijklmnopqrstuvwxyz0123456789-.", kHost | kPath | kQuery);
  add("ABCDEFGHIJKLMNOPQRSTUVWXYZ_~/:,", kPath | kQuery);
  add("=&+?", kQuery);
  return places;
}
constexpr std::array<unsigned char, 256> kPlaces = make_places();

bool has_only(std::string_view text, Place place) {
  return std::all_of(text.begin(), text.end(), [place](char c) {
    return (kPlaces[static_cast<unsigned char>(c)] & place) != 0;
  });
}

// Takes what stands before the first of `ends` off the front.
std::string_view take_before(std::string_view& text, std::string_view ends) {
  const std::string_view taken = text.substr(0, text.find_first_of(ends));
  text.remove_prefix(taken.size());
  return taken;
}

// Whether a host that ends in a number is an IPv4 address as everybody writes it. What else ends so
// ("1.2.3", "01.2.3.4", "1.2.3.4.5") is read in many ways.
bool is_ipv4_if_numeric(std::string_view host) {
  const std::string_view last = host.substr(host.rfind('.') + 1);
  if (last.empty()) return false;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!std::all_of(last.begin(), last.end(), is_digit)) return true;
  int parts = 0;
  for (; !host.empty(); ++parts) {
    const std::string_view part = take_before(host, ".");
    host.remove_prefix(std::min<std::size_t>(host.size(), 1));
    unsigned number = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), number);
    const bool is_octet = error == std::errc() && end == part.data() + part.size() && number < 256;
    if (!is_octet || (part.size() > 1 && part.front() == '0')) return false;
  }
  return parts == 4;
}

// A port as a canonical url has it: without leading zeros.
std::optional<std::uint16_t> read_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || text.front() == '0') {
    return std::nullopt;
  }
  return port;
}

}  // namespace

std::optional<PlainUrl> read_plain_url(std::string_view text) {
  PlainUrl url;
  for (const std::string_view scheme : {"http", "https"}) {
    if (text.starts_with(scheme) && text.substr(scheme.size()).starts_with("://")) {
      url.scheme = scheme;
    }
  }
  if (url.scheme.empty()) return std::nullopt;
  const std::uint16_t usual = url.scheme == "https" ? 443 : 80;
  text.remove_prefix(url.scheme.size() + 3);
  url.host = take_before(text, ":/?");
  url.port = usual;
  if (text.starts_with(':')) {
    text.remove_prefix(1);
    const auto port = read_port(take_before(text, "/?"));
    if (!port || *port == usual) return std::nullopt;
    url.port = *port;
  }
  url.path = take_before(text, "?");
  url.query = text;
  if (url.host.empty() || !has_only(url.host, kHost) || !is_ipv4_if_numeric(url.host) ||
      !has_only(url.path, kPath) || !has_only(url.query, kQuery)) {
    return std::nullopt;
  }
  return url;
}

}  // namespace patient_http::base
