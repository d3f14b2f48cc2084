#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/url.h"
#include "drivers/http1/response_parser.h"
#include "drivers/net/dialer.h"
#include "engine/proxy_rules.h"

namespace patient_http::engine {

// Where the way to an origin stands, and where it failed. What the proxy does or refuses is
// kProxy: looking it up, connecting to it, TLS with it, and its answer to CONNECT.
enum class DialPhase { kResolve, kConnect, kProxy, kTls };
// "resolve", "connect", "proxy" or "tls".
[[nodiscard]] std::string_view to_string(DialPhase phase);

// What all dials of a pool share. All must outlive them.
struct DialContext {
  net::EventLoop& loop;
  net::Resolver& resolver;
  const net::TlsContext& tls;
  const ProxyRules* proxies;  // null: none
};

// Opens one connection on which an origin can be talked to: directly, to a proxy that forwards, or
// through a tunnel that a proxy opens; with the TLS handshake, if the origin has TLS. Reports once;
// destroying it abandons the dial. Belongs to the reactor thread.
class OriginDialer final : private net::Dialer::Listener,
                           private net::ReadyHandler,
                           private http1::ResponseHandler {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    // The watch is for reading: hand it on. Both may destroy the dialer. `peer` says who answered:
    // "192.0.2.1:443", or "api.example.com:443 through the proxy 192.0.2.7:3128".
    virtual void on_connected(net::Stream stream, net::Watch watch, const std::string& peer) = 0;
    virtual void on_dial_failed(DialPhase phase, net::NetFailure failure) = 0;
  };

  OriginDialer(const DialContext& context, Listener& listener);

  // Starts. Never reports before it returns. `gate` judges the addresses of the origin, and must
  // outlive the dial; null: every one. It is not asked when a proxy looks them up, and not about
  // the proxy's own. REQUIRES: called once.
  void dial(const base::Origin& origin, net::Alpn alpn = net::Alpn::kHttp1,
            const net::AddressGate* gate = nullptr);

  [[nodiscard]] DialPhase phase() const;
  // Who was tried last, or empty.
  [[nodiscard]] std::string peer() const;

 private:
  enum class Step { kDial, kAsk, kTunnel };

  void on_connected(net::Stream stream, net::Watch watch, const net::Address& peer) override;
  void on_dial_failed(net::DialPhase phase, net::NetFailure failure) override;
  void on_ready(net::Interest ready) override;

  void on_head_begin(int status) override { status_ = status; }
  void on_header(std::string_view, std::string_view) override {}
  void on_head_end(std::int64_t content_length) override;
  void on_body(std::string_view) override {}

  void ask_for_tunnel();
  void write_some();
  void read_answer();
  void answered();
  void continue_handshake();
  void connected();
  void fail(net::NetFailure failure);

  const DialContext& context_;
  Listener& listener_;
  std::optional<net::Dialer> dialer_;
  net::TlsPeer target_;
  bool is_tls_ = false;  // with the origin
  Route route_;
  Step step_ = Step::kDial;
  DialPhase phase_ = DialPhase::kResolve;

  // With a tunnel, from the connection to the proxy on.
  std::string proxy_peer_;
  std::string head_;  // of CONNECT; wiped when it is sent
  std::size_t sent_ = 0;
  std::optional<http1::ResponseParser> parser_;
  int status_ = 0;
  bool head_is_read_ = false;
  std::optional<net::Stream> stream_;
  net::Watch watch_;  // goes before the stream
};

}  // namespace patient_http::engine
