#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "patient_http/http_protocol.h"
#include "patient_http/log.h"
#include "patient_http/network_policy.h"
#include "patient_http/preprocessors.h"
#include "patient_http/request.h"
#include "patient_http/retry_options.h"
#include "patient_http/secret_manager.h"
#include "patient_http/tls_options.h"

namespace patient_http {

// How much there may be at once at some hosts.
struct HostLimit {
  // "api.example.com", or "*.example.com" for all hosts below that one; with a port (":8443") only
  // there. An IPv6 address is in brackets.
  std::string host = {};
  // Requests at once at each origin that fits; 0: without limit. Unset: this says nothing of them.
  std::optional<std::size_t> max_requests = std::nullopt;
  // Connections to each origin that fits, in the same way.
  std::optional<std::size_t> max_connections = std::nullopt;

  [[nodiscard]] bool is_valid() const;
  // `host` in lower case, without brackets. REQUIRES: is_valid().
  [[nodiscard]] bool fits(std::string_view origin_host, std::uint16_t port) const;
};

// How requests are carried out. Names and defaults are the Ruby gem's where it has them.
struct ProcessorOptions {
  // Requests at once: queued and running ones, and those whose result is not settled yet. At most
  // a million.
  std::size_t max_connections = 256;

  // Requests at once at each origin (scheme, host and port); 0: without limit. What is beyond waits
  // for its turn without a slot, in a queue for each origin. The first of host_limits that fits an
  // origin goes before it.
  std::size_t max_requests_per_origin = 0;
  // Connections to each origin, idle ones included; 0: without limit. A request that needs another
  // one waits, in its slot and within its timeout, until one is free. HTTP/2 shares connections.
  std::size_t max_connections_per_origin = 0;
  std::vector<HostLimit> host_limits = {};

  // For each attempt, over its redirects, unless the request says otherwise.
  Seconds request_timeout{60};
  // For a name look-up; a longer one counts as failed.
  Seconds resolve_timeout{10};
  // For opening a connection: look-up, TCP and TLS together, not for the wait until one may be
  // opened or is free. Unset: only request_timeout bounds it.
  std::optional<Seconds> connection_timeout = std::nullopt;
  // From the end of sending to the first byte of the response. Unset: request_timeout alone.
  std::optional<Seconds> first_byte_timeout = std::nullopt;
  // Between two reads of a response. Unset: request_timeout alone.
  std::optional<Seconds> idle_timeout = std::nullopt;
  // Bytes a second at which a body moves at least, out and in, on the average of each span of
  // min_throughput_time; 0: no matter how slowly. Neither the wait for the first byte of the
  // response nor a pause for want of memory counts.
  std::size_t min_throughput = 0;
  Seconds min_throughput_time{30};

  // Bytes of a body, on the wire and after decompression; at most 512 MiB.
  std::size_t max_response_size = std::size_t{1} << 20;
  // Bytes, at most 81920, and number of a response's headers and trailers.
  std::size_t max_header_size = 64 * 1024;
  std::size_t max_header_count = 256;
  // Bytes of all response bodies in memory at once, until their results are settled. When they are
  // spent, reading waits, but for one that reads on at a time. When they are spent twice over, a
  // body whose server falls silent is given up (kBodyMemory).
  std::size_t body_memory = std::size_t{256} << 20;

  // Unset: what a TLS server chooses, and HTTP/1.1 without TLS. http2 is spoken to plain http
  // servers without asking (prior knowledge); a TLS server that does not choose it is an error.
  std::optional<HttpProtocol> protocol = std::nullopt;
  // A server that says nothing for so long while HTTP/2 requests wait for it is sent a PING. If
  // nothing comes within ping_timeout, the connection is dead, and so are its requests.
  Seconds ping_interval{30};
  Seconds ping_timeout{10};

  // Redirects followed, unless the request says otherwise; 0: the 3xx is the response.
  int max_redirects = 5;
  // Attempts after the first, unless the request says otherwise (as with all of these).
  int retries = 3;
  // What they follow. Whatever it is: a request that may have been carried out is only sent again
  // when its method is idempotent, it has an idempotency key, or RetryOptions::idempotent says so.
  RetryOn retry_on = {};
  // The wait before the first of them, doubled for each further one up to the longest. Each wait
  // is a random part of that, so that many clients do not come back at the same moment.
  Seconds retry_delay{0.5};
  Seconds longest_retry_delay{30};
  // The longest Retry-After of a response that is waited for; a longer one makes it the result.
  Seconds max_retry_after{3600};
  // For all attempts and the waits between them. Unset: retries alone bounds them.
  std::optional<Seconds> max_retry_time = std::nullopt;
  // Sends a header idempotency-key along with POST and PATCH: Request::idempotency_key().
  bool idempotency_keys = false;

  // Origins whose idle connections are kept; the least recently used goes first.
  std::size_t connection_pool_size = 100;
  // Idle connections kept in all; 0: as many as max_connections.
  std::size_t max_idle_connections = 0;
  // An idle connection is closed after this long.
  Seconds idle_connection_lifetime{60};

  // Sent as user-agent unless the request has one; empty: none.
  std::string user_agent = "PatientHttp";
  // A response that is not 2xx goes to on_error, unless the task says otherwise.
  bool raise_error_responses = false;

  // PEM file of the certificates to trust; empty: the system's. This is the way to an authority of
  // one's own: there is none to leave certificates unverified.
  std::string ca_file = {};
  // An older one is refused.
  TlsVersion tls_min_version = TlsVersion::kTls12;
  // The first that fits a host, or a proxy that is reached with TLS, is shown to it, if it asks.
  std::vector<ClientCertificate> client_certificates = {};
  // "192.0.2.1,192.0.2.2:5353"; empty: the system's name servers.
  std::string name_servers = {};

  // The HTTP proxy through which all origins are reached: http://user:password@host:port, or
  // https:// for TLS to the proxy itself; empty: none. https origins are reached through a tunnel
  // (CONNECT), http ones are forwarded by it, or tunnelled too when `protocol` is http2. The
  // credentials are sent to nobody but the proxy.
  std::string proxy_url = {};
  // What is reached directly all the same, separated by commas: "example.com" (and what is under
  // it), ".example.com" (only what is under it), addresses, networks as in 10.0.0.0/8, each but the
  // last also with a port, and "*" for everything.
  std::string no_proxy = {};
  // Without proxy_url: the proxies of https_proxy or HTTPS_PROXY, http_proxy, and all_proxy or
  // ALL_PROXY. Adds the exceptions of no_proxy or NO_PROXY. The environment is read once.
  bool proxy_from_environment = false;

  // Where requests may go. With a proxy, it looks names up, and nobody here sees their addresses:
  // then only hosts, ports and hosts that are addresses are judged.
  NetworkPolicy network_policy = {};
  // Where requests may go whose RequestOptions::is_untrusted says that strangers made their url. It
  // comes on top of network_policy.
  NetworkPolicy untrusted_network_policy = {.deny_private_networks = true};

  // Threads that settle outcomes: they call the TaskHandlers, which may block.
  std::size_t delivery_threads = 2;

  // The secrets and preprocessors that requests may name. Copies of these options share them: what
  // is registered later is found too.
  SecretManager secrets = {};
  Preprocessors preprocessors = {};
  // Threads that run preprocessors and the functions of secrets, which may block; at most 256. They
  // are started when the first request needs one.
  std::size_t preparer_threads = 2;

  // Told of handlers that threw, and of what the processor cannot tell in an outcome.
  Log log = Log::standard_error(LogLevel::kWarn);

  // Everything that is out of range, a sentence each; empty when all is well.
  [[nodiscard]] std::vector<std::string> validate() const;
};

}  // namespace patient_http
