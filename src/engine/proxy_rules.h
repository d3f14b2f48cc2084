#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/url.h"
#include "drivers/net/address_range.h"
#include "patient_http/processor_options.h"
#include "patient_http/result.h"

namespace patient_http::engine {

// An HTTP proxy, http:// or with TLS to the proxy https://.
struct Proxy {
  base::Origin origin;
  // The value of proxy-authorization, or empty. A secret.
  std::string authorization;
};

// How an origin is reached.
struct Route {
  enum class Kind {
    kDirect,
    kForward,  // the proxy gets the request, with the whole url
    kTunnel,   // the proxy is asked for a connection (CONNECT)
  };
  Kind kind = Kind::kDirect;
  const Proxy* proxy = nullptr;  // null when direct
};

// Which origins are reached through which proxy: the one of proxy_url, or those of the environment.
// Immutable: all methods may be called from any thread.
class ProxyRules {
 public:
  // Gives the value of an environment variable, or null.
  using Environment = std::function<const char*(const char* name)>;

  // All direct.
  ProxyRules() = default;
  // Reads the environment if the options ask for it. The failure says what is wrong, a sentence,
  // without repeating what may hold credentials.
  [[nodiscard]] static Result<ProxyRules> create(const ProcessorOptions& options,
                                                 const Environment& environment);
  // With the environment of the process.
  [[nodiscard]] static Result<ProxyRules> create(const ProcessorOptions& options);

  // https goes through tunnels, and so does http when HTTP/2 is spoken on it, which no proxy
  // forwards; other http is forwarded. The proxy lives as long as these rules.
  [[nodiscard]] Route route_of(const base::Origin& origin) const;

 private:
  // An entry of no_proxy.
  struct Exception {
    std::string host;  // or, if it is an address or a network:
    std::optional<net::AddressRange> network;
    std::uint16_t port = 0;       // 0: any
    bool is_suffix_only = false;  // ".example.com", "*.example.com": not example.com itself
  };

  [[nodiscard]] static std::optional<Exception> parse_exception(std::string_view text);
  [[nodiscard]] static bool matches(const Exception& exception, const base::Origin& origin);
  [[nodiscard]] Result<void> add_exceptions(std::string_view list, std::string_view name);
  [[nodiscard]] bool is_excepted(const base::Origin& origin) const;

  std::optional<Proxy> for_http_;
  std::optional<Proxy> for_https_;
  std::vector<Exception> exceptions_;
  bool excepts_all_ = false;
  bool tunnels_http_ = false;
};

}  // namespace patient_http::engine
