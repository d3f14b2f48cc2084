#include "daemon/option_value.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

#include "base/json_text.h"
#include "base/text.h"

namespace patient_http::daemon {

namespace {

constexpr double kMostSeconds = 1e9;

constexpr const char* kWholeNumber = "must be a whole number, 0 or more";
constexpr const char* kSeconds = "must be a number of seconds";

using Problem = std::optional<std::string>;

template <class E, std::size_t N>
using Words = std::array<std::pair<std::string_view, E>, N>;

constexpr Words<LogLevel, 4> kLevels = {{{"debug", LogLevel::kDebug},
                                         {"info", LogLevel::kInfo},
                                         {"warn", LogLevel::kWarn},
                                         {"error", LogLevel::kError}}};
constexpr Words<LogFormat, 2> kFormats = {{{"text", LogFormat::kText}, {"json", LogFormat::kJson}}};
constexpr Words<EncryptionFormat::Digest, 2> kDigests = {
    {{"sha1", EncryptionFormat::Digest::kSha1}, {"sha256", EncryptionFormat::Digest::kSha256}}};
constexpr Words<EncryptionFormat::Serializer, 2> kSerializers = {
    {{"marshal", EncryptionFormat::Serializer::kMarshal},
     {"json", EncryptionFormat::Serializer::kJson}}};

constexpr Words<TlsVersion, 2> kTlsVersions = {
    {{"1.2", TlsVersion::kTls12}, {"1.3", TlsVersion::kTls13}}};

constexpr const auto& words_of(LogLevel) {
  return kLevels;
}
constexpr const auto& words_of(LogFormat) {
  return kFormats;
}
constexpr const auto& words_of(EncryptionFormat::Digest) {
  return kDigests;
}
constexpr const auto& words_of(EncryptionFormat::Serializer) {
  return kSerializers;
}
constexpr const auto& words_of(TlsVersion) {
  return kTlsVersions;
}

template <class T>
std::optional<T> to_number(std::string_view text) {
  T number{};
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return number;
}

template <class T>
std::optional<T> to_count(std::string_view text) {
  const auto number = to_number<std::int64_t>(text);
  if (!number || *number < 0) return std::nullopt;
  if (static_cast<std::uint64_t>(*number) >
      static_cast<std::uint64_t>(std::numeric_limits<T>::max())) {
    return std::nullopt;
  }
  return static_cast<T>(*number);
}

std::optional<Seconds> to_seconds(std::string_view text) {
  const auto number = to_number<double>(text);
  if (!number || !std::isfinite(*number) || std::abs(*number) > kMostSeconds) return std::nullopt;
  return Seconds(*number);
}

Problem set(bool& value, std::string_view text) {
  if (text != "true" && text != "false") return "must be true or false";
  value = text == "true";
  return std::nullopt;
}

template <class T>
Problem set_count(T& value, std::string_view text) {
  const auto count = to_count<T>(text);
  if (!count) return kWholeNumber;
  value = *count;
  return std::nullopt;
}

Problem set(int& value, std::string_view text) {
  return set_count(value, text);
}

Problem set(std::size_t& value, std::string_view text) {
  return set_count(value, text);
}

Problem set(std::string& value, std::string_view text) {
  value = text;
  return std::nullopt;
}

Problem set(Seconds& value, std::string_view text) {
  const auto seconds = to_seconds(text);
  if (!seconds) return kSeconds;
  value = *seconds;
  return std::nullopt;
}

Problem set(std::optional<Seconds>& value, std::string_view text) {
  const auto seconds = to_seconds(text);
  if (!seconds) return kSeconds;
  value = *seconds;
  return std::nullopt;
}

Problem set(std::chrono::milliseconds& value, std::string_view text) {
  const auto seconds = to_seconds(text);
  if (!seconds) return kSeconds;
  value = std::chrono::round<std::chrono::milliseconds>(*seconds);
  return std::nullopt;
}

Problem set(std::optional<int>& value, std::string_view text) {
  if (text == "true") {
    value = std::nullopt;
    return std::nullopt;
  }
  const auto count = to_count<int>(text);
  if (!count) return "must be true or a whole number, 0 or more";
  value = *count;
  return std::nullopt;
}

Problem set(std::optional<HttpProtocol>& value, std::string_view text) {
  const auto protocol = parse_http_protocol(text);
  if (!protocol) return "must be one of: http1, http2";
  value = protocol;
  return std::nullopt;
}

Problem set(std::vector<RedisQueue>& value, std::string_view text) {
  std::vector<RedisQueue> queues;
  while (!(text = base::trim(text)).empty()) {
    const std::string_view item = text.substr(0, text.find_first_of(" \t\n"));
    auto queue = parse_queue(item);
    if (!queue) return "must be NAME[,WEIGHT][,shared], with spaces between queues";
    queues.push_back(std::move(*queue));
    text.remove_prefix(item.size());
  }
  value = std::move(queues);
  return std::nullopt;
}

Problem set(std::vector<HostLimit>& value, std::string_view text) {
  std::vector<HostLimit> limits;
  while (!(text = base::trim(text)).empty()) {
    const std::string_view item = text.substr(0, text.find_first_of(" \t\n"));
    auto limit = parse_host_limit(item);
    if (!limit) return "must be HOST,max_requests=N,max_connections=N, with spaces between hosts";
    limits.push_back(std::move(*limit));
    text.remove_prefix(item.size());
  }
  value = std::move(limits);
  return std::nullopt;
}

// Separated by commas or spaces.
std::vector<std::string_view> words_of_list(std::string_view text) {
  constexpr std::string_view kBetween = " \t\n,";
  std::vector<std::string_view> words;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(kBetween), text.size()));
    if (text.empty()) return words;
    words.push_back(text.substr(0, text.find_first_of(kBetween)));
    text.remove_prefix(words.back().size());
  }
}

Problem set(RetryOn& value, std::string_view text) {
  RetryOn on = RetryOn::nothing();
  for (const std::string_view word : words_of_list(text)) {
    if (!on.add(word)) return "must be connection, timeout or statuses from 400 to 599";
  }
  value = std::move(on);
  return std::nullopt;
}

// What may stand in it says validate().
Problem set(std::vector<std::string>& value, std::string_view text) {
  const auto words = words_of_list(text);
  value.assign(words.begin(), words.end());
  return std::nullopt;
}

Problem set(std::vector<std::uint16_t>& value, std::string_view text) {
  std::vector<std::uint16_t> ports;
  for (const std::string_view word : words_of_list(text)) {
    const auto port = to_count<std::uint16_t>(word);
    if (!port || *port == 0) return "must be ports from 1 to 65535";
    ports.push_back(*port);
  }
  value = std::move(ports);
  return std::nullopt;
}

template <class E>
requires std::is_enum_v<E> Problem set(E& value, std::string_view text) {
  std::string all;
  for (const auto& [word, meaning] : words_of(value)) {
    if (word == text) {
      value = meaning;
      return std::nullopt;
    }
    all += (all.empty() ? "" : ", ") + std::string(word);
  }
  return "must be one of: " + all;
}

std::string seconds_text(Seconds seconds) {
  if (seconds.count() == std::floor(seconds.count()))
    return std::to_string(static_cast<std::int64_t>(seconds.count()));
  return base::ruby_float(seconds.count());
}

std::string show(bool value) {
  return value ? "true" : "false";
}
std::string show(int value) {
  return std::to_string(value);
}
std::string show(std::size_t value) {
  return std::to_string(value);
}
std::string show(const std::string& value) {
  return toml_string(value);
}
std::string show(Seconds value) {
  return seconds_text(value);
}
std::string show(const std::optional<Seconds>& value) {
  return value ? seconds_text(*value) : std::string();
}
std::string show(std::chrono::milliseconds value) {
  return seconds_text(value);
}
std::string show(const std::optional<int>& value) {
  return value ? std::to_string(*value) : "true";
}
std::string show(const std::optional<HttpProtocol>& value) {
  return value ? toml_string(to_string(*value)) : std::string();
}

std::string show(const std::vector<RedisQueue>& value) {
  std::string list;
  for (const RedisQueue& queue : value) {
    std::string text = queue.name;
    if (queue.weight != 0) text += "," + std::to_string(queue.weight);
    if (queue.is_shared) text += ",shared";
    list += (list.empty() ? "" : ", ") + toml_string(text);
  }
  return "[" + list + "]";
}

std::string show(const std::vector<HostLimit>& value) {
  std::string list;
  for (const HostLimit& limit : value) {
    list.append(list.empty() ? "" : ", ").append("{ host = ").append(toml_string(limit.host));
    if (limit.max_requests) {
      list.append(", max_requests = ").append(std::to_string(*limit.max_requests));
    }
    if (limit.max_connections) {
      list.append(", max_connections = ").append(std::to_string(*limit.max_connections));
    }
    list.append(" }");
  }
  return "[" + list + "]";
}

std::string show(const std::vector<std::string>& value) {
  std::string list;
  for (const std::string& text : value)
    list.append(list.empty() ? "" : ", ").append(toml_string(text));
  return "[" + list + "]";
}

std::string show(const std::vector<std::uint16_t>& value) {
  std::string list;
  for (const std::uint16_t port : value) {
    list.append(list.empty() ? "" : ", ").append(std::to_string(port));
  }
  return "[" + list + "]";
}

std::string show(const RetryOn& value) {
  std::string list;
  for (const std::string& word : value.words()) {
    const bool is_status = std::isdigit(static_cast<unsigned char>(word.front())) != 0;
    list.append(list.empty() ? "" : ", ").append(is_status ? word : toml_string(word));
  }
  return "[" + list + "]";
}

template <class E>
requires std::is_enum_v<E> std::string show(E value) {
  for (const auto& [word, meaning] : words_of(value)) {
    if (meaning == value) return toml_string(word);
  }
  return {};
}

}  // namespace

bool is_list(const OptionValue& value) {
  return std::holds_alternative<std::vector<RedisQueue>*>(value) ||
         std::holds_alternative<std::vector<std::string>*>(value) ||
         std::holds_alternative<std::vector<std::uint16_t>*>(value);
}

std::optional<std::string> set_option(const OptionValue& value, std::string_view text) {
  return std::visit([text](auto* place) { return set(*place, text); }, value);
}

std::string toml_of(const OptionValue& value) {
  return std::visit([](const auto* place) { return show(*place); }, value);
}

// JSON's escapes are TOML's, but for a slash, which is not escaped here.
std::string toml_string(std::string_view text) {
  return base::json_string(base::to_valid_utf8(text));
}

std::string toml_key(std::string_view key) {
  const bool is_bare = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
  });
  return is_bare ? std::string(key) : toml_string(key);
}

std::optional<RedisQueue> parse_queue(std::string_view text) {
  RedisQueue queue;
  const std::size_t comma = text.find(',');
  queue.name = text.substr(0, comma);
  if (comma == std::string_view::npos) return queue;
  text.remove_prefix(comma + 1);
  if (text == "shared" || text.ends_with(",shared")) {
    queue.is_shared = true;
    text.remove_suffix(std::min(text.size(), std::string_view(",shared").size()));
    if (text.empty()) return queue;
  }
  const auto weight = to_count<int>(text);
  if (!weight) return std::nullopt;
  queue.weight = *weight;
  return queue;
}

std::optional<HostLimit> parse_host_limit(std::string_view text) {
  const auto take_item = [&text] {
    const std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(item.size() + 1, text.size()));
    return item;
  };
  HostLimit limit{.host = std::string(take_item())};
  if (!limit.is_valid()) return std::nullopt;
  while (!text.empty()) {
    const std::string_view item = take_item();
    const std::string_view key = item.substr(0, item.find('='));
    auto& value = key == "max_requests" ? limit.max_requests : limit.max_connections;
    const bool is_known = key == "max_requests" || key == "max_connections";
    if (!is_known || value || key.size() == item.size()) return std::nullopt;
    value = to_count<std::size_t>(item.substr(key.size() + 1));
    if (!value) return std::nullopt;
  }
  return limit;
}

}  // namespace patient_http::daemon
