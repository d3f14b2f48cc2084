#include "engine/known_secrets.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/text.h"
#include "drivers/crypto/wipe.h"

namespace patient_http::engine {

namespace {

enum class Letters { kAsTheyAre, kInAnyCase };

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char small = lower(c);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

// The byte of the two hexadecimal digits at `place`.
std::optional<char> hex_byte(std::string_view text, std::size_t place) {
  if (place + 1 >= text.size()) return std::nullopt;
  const int high = hex_digit(text[place]);
  const int low = hex_digit(text[place + 1]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<char>(high * 16 + low);
}

bool is_byte(char got, char wanted, Letters letters) {
  if (got == wanted || (got == '+' && wanted == ' ')) return true;
  return letters == Letters::kInAnyCase && lower(got) == lower(wanted);
}

// Calls `found` with each place at which `wanted` ends when it begins at `place`: there are several
// ways to read it, and a value may hold a '%' itself.
template <class Found>
void read_byte(std::string_view text, std::size_t place, char wanted, Letters letters,
               const Found& found) {
  if (place >= text.size()) return;
  if (is_byte(text[place], wanted, letters)) found(place + 1);
  if (text[place] != '%') return;
  const auto once = hex_byte(text, place + 1);
  if (!once) return;
  if (is_byte(*once, wanted, letters)) found(place + 3);
  if (*once != '%') return;
  const auto twice = hex_byte(text, place + 3);
  if (twice && is_byte(*twice, wanted, letters)) found(place + 5);
}

// Where `value` may end when it begins at `place` of `text`.
std::vector<std::size_t> ends_of(std::string_view text, std::size_t place, std::string_view value,
                                 Letters letters) {
  std::vector<std::size_t> places{place};
  std::vector<std::size_t> next;
  for (const char wanted : value) {
    next.clear();
    for (const std::size_t at : places) {
      read_byte(text, at, wanted, letters, [&](std::size_t end) {
        if (std::find(next.begin(), next.end(), end) == next.end()) next.push_back(end);
      });
    }
    places.swap(next);
    if (places.empty()) break;
  }
  return places;
}

bool is_whole(std::string_view text, std::string_view value) {
  const auto ends = ends_of(text, 0, value, Letters::kAsTheyAre);
  return std::find(ends.begin(), ends.end(), text.size()) != ends.end();
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kUnreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string out;
  for (const char c : text) {
    if (kUnreserved.find(c) != std::string_view::npos) {
      out += c;
    } else {
      std::array<char, 4> code;
      std::snprintf(code.data(), code.size(), "%%%02X", static_cast<unsigned char>(c));
      out.append(code.data(), 3);
    }
  }
  return out;
}

}  // namespace

KnownSecrets::Known::~Known() {
  crypto::wipe(own);
}

void KnownSecrets::add(std::string name, std::shared_ptr<const Secret> secret) {
  auto known = std::make_unique<Known>();
  known->name = std::move(name);
  known->secret = std::move(secret);
  secrets_.push_back(std::move(known));
}

void KnownSecrets::add(std::string name, std::optional<std::string>&& value) {
  auto known = std::make_unique<Known>();
  known->name = std::move(name);
  known->has_value = value.has_value();
  if (value) {
    known->own.swap(*value);
    crypto::wipe(*value);  // a short one was copied
  }
  secrets_.push_back(std::move(known));
}

void KnownSecrets::add(KnownSecrets&& others) {
  for (auto& other : others.secrets_) {
    const bool is_new = std::none_of(secrets_.begin(), secrets_.end(), [&](const auto& known) {
      return known->name == other->name && known->value() == other->value();
    });
    if (is_new) secrets_.push_back(std::move(other));
  }
  others.secrets_.clear();
}

const std::string* KnownSecrets::find(std::string_view name) const {
  for (const auto& known : secrets_) {
    if (known->name == name) return known->has_value ? &known->value() : nullptr;
  }
  return nullptr;
}

std::string KnownSecrets::mask_for(const Known& known) {
  return "$secret:" + percent_encoded(known.name);
}

std::string KnownSecrets::mask(std::string_view text, std::size_t shortest) const {
  if (empty()) return std::string(text);
  std::string out;
  for (std::size_t place = 0; place < text.size();) {
    const Known* longest = nullptr;
    std::size_t end = place;
    for (const auto& known : secrets_) {
      const std::string& value = known->value();
      if (value.empty() || value.size() < shortest) continue;
      const char first = text[place];
      if (first != '%' && !is_byte(first, value[0], Letters::kInAnyCase)) continue;
      for (const std::size_t each : ends_of(text, place, value, Letters::kInAnyCase)) {
        if (each <= end) continue;
        end = each;
        longest = known.get();
      }
    }
    if (longest != nullptr) {
      out += mask_for(*longest);
      place = end;
    } else {
      out += text[place++];
    }
  }
  return out;
}

std::string KnownSecrets::mask_url(std::string_view url) const {
  if (empty()) return std::string(url);
  const std::size_t question = std::min(url.find('?'), url.size());
  const std::size_t hash = std::max(std::min(url.find('#'), url.size()), question);
  std::string masked(url.substr(0, question));
  for (std::size_t begin = question; begin < hash;) {
    masked += url[begin++];  // the '?' or the '&'
    const std::size_t end = std::min(url.find('&', begin), hash);
    const std::string_view pair = url.substr(begin, end - begin);
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
    const auto known = std::find_if(secrets_.begin(), secrets_.end(), [&](const auto& each) {
      return !each->value().empty() && is_whole(value, each->value());
    });
    if (known == secrets_.end()) {
      masked += pair;
    } else {
      masked.append(pair.substr(0, equals + 1)).append(mask_for(**known));
    }
    begin = end;
  }
  masked += url.substr(hash);
  return mask(masked);
}

}  // namespace patient_http::engine
