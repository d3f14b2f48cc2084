#include "engine/proxy_rules.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "base/text.h"

namespace patient_http::engine {

namespace {

std::optional<unsigned> number(std::string_view text, unsigned most) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > most) {
    return std::nullopt;
  }
  return value;
}

// `name` says where it comes from.
Result<Proxy> parse_proxy(const std::string& text, std::string_view name) {
  const auto wrong = [&] {
    return failure(std::string(name) +
                   " must be http://[user:password@]host[:port], or the same with https://");
  };
  const auto url = base::Url::parse(text);
  if (!url || url->target() != "/" || url->text().find('#') != std::string::npos) return wrong();
  Proxy proxy{url->origin(), {}};
  if (!url->userinfo().empty()) {
    // A name without a password is one with an empty password.
    const bool has_password = url->userinfo().find(':') != std::string::npos;
    proxy.authorization =
        "Basic " + base::base64_encode(url->userinfo() + (has_password ? "" : ":"));
  }
  return proxy;
}

// The first of the variables that is set, and its name. http_proxy has no form in capitals: in a
// CGI program that would be what the client sent as "Proxy:".
Result<std::optional<Proxy>> proxy_of_environment(const ProxyRules::Environment& environment,
                                                  std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const char* value = environment(name);
    if (value == nullptr || *value == '\0') continue;
    std::string url = value;
    if (url.find("://") == std::string::npos) url.insert(0, "http://");
    auto proxy = parse_proxy(url, std::string("the environment variable ") + name);
    if (!proxy) return unexpected(std::move(proxy.error()));
    return std::optional(std::move(*proxy));
  }
  return std::nullopt;
}

}  // namespace

Result<ProxyRules> ProxyRules::create(const ProcessorOptions& options,
                                      const Environment& environment) {
  ProxyRules rules;
  rules.tunnels_http_ = options.protocol == HttpProtocol::kHttp2;
  if (!options.proxy_url.empty()) {
    auto proxy = parse_proxy(options.proxy_url, "proxy_url");
    if (!proxy) return unexpected(std::move(proxy.error()));
    rules.for_http_ = rules.for_https_ = std::move(*proxy);
  } else if (options.proxy_from_environment) {
    auto http = proxy_of_environment(environment, {"http_proxy", "all_proxy", "ALL_PROXY"});
    if (!http) return unexpected(std::move(http.error()));
    auto https =
        proxy_of_environment(environment, {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"});
    if (!https) return unexpected(std::move(https.error()));
    rules.for_http_ = std::move(*http);
    rules.for_https_ = std::move(*https);
  }
  if (auto added = rules.add_exceptions(options.no_proxy, "no_proxy"); !added) {
    return unexpected(std::move(added.error()));
  }
  if (!options.proxy_from_environment) return rules;
  const char* const lower = environment("no_proxy");
  const char* const list = lower != nullptr ? lower : environment("NO_PROXY");
  if (list == nullptr) return rules;
  if (auto added = rules.add_exceptions(list, "the environment variable no_proxy"); !added) {
    return unexpected(std::move(added.error()));
  }
  return rules;
}

Result<ProxyRules> ProxyRules::create(const ProcessorOptions& options) {
  return create(options, [](const char* name) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing of ours changes the environment.
    return static_cast<const char*>(std::getenv(name));
  });
}

Route ProxyRules::route_of(const base::Origin& origin) const {
  const std::optional<Proxy>& proxy = origin.is_tls() ? for_https_ : for_http_;
  if (!proxy || is_excepted(origin)) return {};
  const bool is_tunnelled = origin.is_tls() || tunnels_http_;
  return {is_tunnelled ? Route::Kind::kTunnel : Route::Kind::kForward, &*proxy};
}

Result<void> ProxyRules::add_exceptions(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    // curl takes spaces as well, so that they are found in environments.
    const std::size_t end = std::min(list.find_first_of(", \t"), list.size());
    const std::string_view entry = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    if (entry.empty()) continue;
    if (entry == "*") {
      excepts_all_ = true;
      continue;
    }
    auto exception = parse_exception(entry);
    if (!exception) {
      return failure(std::string(name) +
                     " must be hosts, addresses, networks (10.0.0.0/8) or * separated by commas, "
                     "got: " +
                     std::string(entry));
    }
    exceptions_.push_back(std::move(*exception));
  }
  return {};
}

std::optional<ProxyRules::Exception> ProxyRules::parse_exception(std::string_view text) {
  Exception exception;
  if (text.find('/') != std::string_view::npos) {
    exception.network = net::AddressRange::parse(text);
    return exception.network ? std::optional(exception) : std::nullopt;
  }
  // A port stands behind a name, an IPv4 address, or an IPv6 address in brackets.
  std::string_view host = text;
  const std::size_t colon = text.rfind(':');
  const bool is_bracketed = text.starts_with('[');
  if (colon != std::string_view::npos && text.find(':') == colon && !is_bracketed) {
    host = text.substr(0, colon);
  } else if (is_bracketed) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = text.substr(1, end - 1);
    if (end + 1 != text.size() && colon != end + 1) return std::nullopt;
  }
  const std::size_t used = host.size() + (is_bracketed ? 2 : 0);
  if (used != text.size()) {
    const auto port = number(text.substr(used + 1), 65535);
    if (!port || *port == 0) return std::nullopt;
    exception.port = static_cast<std::uint16_t>(*port);
  }
  exception.network = net::AddressRange::parse(host);
  if (exception.network) return exception;
  if (host.starts_with("*.")) host.remove_prefix(1);
  exception.is_suffix_only = host.starts_with('.');
  if (exception.is_suffix_only) host.remove_prefix(1);
  host = base::without_root(host);
  if (host.empty() || host.find_first_of("*:/@[] ") != std::string_view::npos) return std::nullopt;
  exception.host = base::ascii_lower(host);
  return exception;
}

bool ProxyRules::matches(const Exception& exception, const base::Origin& origin) {
  if (exception.port != 0 && exception.port != origin.port) return false;
  if (!exception.network) {
    const std::string_view host = base::without_root(origin.host);
    if (!host.ends_with(exception.host)) return false;
    const std::size_t before = host.size() - exception.host.size();
    return before == 0 ? !exception.is_suffix_only : host[before - 1] == '.';
  }
  const auto address = net::IpAddress::parse(origin.host);
  return address && exception.network->contains(*address);
}

bool ProxyRules::is_excepted(const base::Origin& origin) const {
  return excepts_all_ ||
         std::any_of(exceptions_.begin(), exceptions_.end(),
                     [&](const Exception& exception) { return matches(exception, origin); });
}

}  // namespace patient_http::engine
