#include "drivers/redis/redis_url.h"

#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/text.h"

namespace patient_http::redis {

namespace {

std::optional<int> parse_number(std::string_view text, int most) {
  int value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  const bool is_plain = !text.empty() && text.front() >= '0' && text.front() <= '9';
  if (!is_plain || error != std::errc() || rest != end || value > most) return std::nullopt;
  return value;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const std::string_view digits = text.substr(i + 1, 2);
    unsigned value = 0;
    const auto [rest, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (digits.size() != 2 || error != std::errc() || rest != digits.data() + 2)
      return std::nullopt;
    out += static_cast<char>(static_cast<unsigned char>(value));
    i += 2;
  }
  return out;
}

Result<void> parse_userinfo(std::string_view userinfo, RedisAddress& address) {
  const std::size_t colon = std::min(userinfo.find(':'), userinfo.size());
  const auto user = percent_decode(userinfo.substr(0, colon));
  const auto password = percent_decode(userinfo.substr(std::min(colon + 1, userinfo.size())));
  if (!user || !password)
    return failure("must have a % in the user or the password written as %25");
  address.user = *user;
  address.password = *password;
  return {};
}

Result<void> parse_database(std::string_view text, RedisAddress& address) {
  constexpr int kMost = 1'000'000;
  const auto number = parse_number(text, kMost);
  if (!number) return failure("must have a number as its database, such as /0 or ?db=0");
  address.database = *number;
  return {};
}

Result<void> parse_port(std::string_view text, RedisAddress& address) {
  constexpr int kMost = 65535;
  if (text.empty()) return {};
  const auto port = parse_number(text, kMost);
  if (port.value_or(0) == 0) return failure("must have a port from 1 to 65535, such as :6379");
  address.port = static_cast<std::uint16_t>(*port);
  return {};
}

bool is_host(std::string_view text, std::string_view more) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           more.find(c) != std::string_view::npos;
  });
}

Result<void> parse_host_and_port(std::string_view text, RedisAddress& address) {
  if (text.starts_with('[')) {
    const std::size_t end = std::min(text.find(']'), text.size());
    const std::string_view host = text.substr(1, end - 1);
    const std::string_view rest = text.substr(std::min(end + 1, text.size()));
    if (end == text.size() || !is_host(host, ":.%") || !(rest.empty() || rest[0] == ':'))
      return failure("must have an IPv6 address in brackets, such as redis://[::1]:6379/0");
    address.host = host;
    return parse_port(rest.substr(rest.empty() ? 0 : 1), address);
  }
  if (std::count(text.begin(), text.end(), ':') > 1)
    return failure(
        "must have an IPv6 address in brackets, such as redis://[::1]:6379/0, and each : in the "
        "user or the password written as %3A");
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string_view host = text.substr(0, colon);
  if (host.empty()) return failure("must name a host, such as redis://localhost:6379/0");
  if (!is_host(host, "-._"))
    return failure(
        "must have a host name of letters, digits, dots and hyphens, such as "
        "redis://localhost:6379/0");
  address.host = host;
  return parse_port(text.substr(std::min(colon + 1, text.size())), address);
}

Result<void> parse_tcp(std::string_view text, RedisAddress& address) {
  const std::size_t end = std::min(text.find_first_of("/?#"), text.size());
  std::string_view authority = text.substr(0, end);
  std::string_view path = text.substr(end);
  if (path.find('@') != std::string_view::npos)
    return failure(
        "must have the characters / ? # in the user or the password written as %2F %3F %23");
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    if (auto done = parse_userinfo(authority.substr(0, at), address); !done) return done;
    authority.remove_prefix(at + 1);
  }
  if (auto done = parse_host_and_port(authority, address); !done) return done;
  if (path.find_first_of("?#") != std::string_view::npos)
    return failure("must have nothing behind the database, as in redis://localhost:6379/0");
  if (path.size() <= 1) return {};
  return parse_database(path.substr(1), address);
}

Result<void> parse_socket_file(std::string_view text, RedisAddress& address) {
  const std::size_t slash = std::min(text.find('/'), text.size());
  std::string_view authority = text.substr(0, slash);
  const std::size_t question = std::min(text.find('?', slash), text.size());
  const std::string_view query = text.substr(question);
  if (!authority.empty()) {
    if (!authority.ends_with('@'))
      return failure("must have three slashes before the path, such as unix:///run/redis.sock");
    authority.remove_suffix(1);
    if (auto done = parse_userinfo(authority, address); !done) return done;
  }
  const auto path = percent_decode(text.substr(slash, question - slash));
  if (!path || path->size() <= 1 || path->find('\0') != std::string::npos)
    return failure("must have the path of a socket file, such as unix:///run/redis.sock");
  constexpr std::size_t kMostBytes = sizeof(sockaddr_un::sun_path) - 1;
  if (path->size() > kMostBytes)
    return failure("must have a path of at most " + std::to_string(kMostBytes) +
                   " bytes: longer ones cannot be connected to");
  address.unix_path = *path;
  if (query.size() <= 1) return {};
  constexpr std::string_view kDatabase = "?db=";
  if (!query.starts_with(kDatabase))
    return failure("must have nothing but ?db= behind the path, as in unix:///run/redis.sock?db=0");
  return parse_database(query.substr(kDatabase.size()), address);
}

}  // namespace

Result<RedisAddress> parse_redis_url(std::string_view url) {
  const std::size_t separator = std::min(url.find("://"), url.size());
  const std::string scheme = base::ascii_lower(url.substr(0, separator));
  const std::string_view rest = url.substr(std::min(separator + 3, url.size()));
  RedisAddress address;
  Result<void> done;
  if (separator == url.size() || (scheme != "redis" && scheme != "rediss" && scheme != "unix")) {
    done = failure(
        "must begin with redis://, rediss:// (TLS) or unix://, such as redis://localhost:6379/0");
  } else if (scheme == "unix") {
    done = parse_socket_file(rest, address);
  } else {
    address.is_tls = scheme == "rediss";
    done = parse_tcp(rest, address);
  }
  if (!done) return unexpected(std::move(done.error()));
  return address;
}

std::string describe(const RedisAddress& address) {
  const std::string database = std::to_string(address.database);
  if (!address.unix_path.empty()) return "unix://" + address.unix_path + "?db=" + database;
  const bool is_ipv6 = address.host.find(':') != std::string::npos;
  return std::string(address.is_tls ? "rediss://" : "redis://") + (is_ipv6 ? "[" : "") +
         address.host + (is_ipv6 ? "]" : "") + ":" + std::to_string(address.port) + "/" + database;
}

}  // namespace patient_http::redis
