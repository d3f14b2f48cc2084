#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "drivers/net/address.h"
#include "drivers/net/event_loop.h"
#include "drivers/net/net_failure.h"
#include "drivers/net/resolver.h"
#include "drivers/net/stream.h"
#include "drivers/net/tls_context.h"

namespace patient_http::net {

// Where a dial stands, and where it failed.
enum class DialPhase { kResolve, kConnect, kTls };

// What is to be connected to.
struct DialTarget {
  std::string host;
  std::uint16_t port = 0;
  Alpn alpn = Alpn::kHttp1;  // with TLS
};

// Opens one connection: looks up the name, tries its addresses one after the other, and does the
// TLS handshake. Reports once; destroying it abandons the dial. Belongs to the loop's thread.
class Dialer final : private ReadyHandler, private ResolveWaiter {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    // The watch is for reading, and still reports to the dialer: hand it on. Both may destroy the
    // dialer. `peer` is the address that answered.
    virtual void on_connected(Stream stream, Watch watch, const Address& peer) = 0;
    virtual void on_dial_failed(DialPhase phase, NetFailure failure) = 0;
  };

  // All must outlive the dialer. `tls` null: a plain connection.
  Dialer(EventLoop& loop, Resolver& resolver, const TlsContext* tls, Listener& listener);
  ~Dialer() override;

  // Starts. Never reports before it returns. REQUIRES: called once.
  void dial(DialTarget target);

  [[nodiscard]] DialPhase phase() const { return phase_; }
  // The address that is being tried, once there is one.
  [[nodiscard]] const std::optional<Address>& peer() const { return peer_; }

 private:
  void on_resolved(const std::vector<Address>& addresses) override;
  void on_resolve_failed(const NetFailure& failure) override;
  void on_ready(Interest ready) override;

  void try_next_address();
  void start_connect(const Address& address);
  void check_connect();
  void continue_handshake();
  void address_failed(NetFailure failure);
  void fail(NetFailure failure);

  EventLoop& loop_;
  Resolver& resolver_;
  const TlsContext* tls_;
  Listener& listener_;
  Timer step_;  // reports failures of the first step after dial() has returned
  DialTarget target_;
  DialPhase phase_ = DialPhase::kResolve;
  bool resolving_ = false;
  std::vector<Address> addresses_;
  std::size_t next_ = 0;
  std::optional<Address> peer_;
  std::optional<NetFailure> last_failure_;
  std::optional<Stream> stream_;
  Watch watch_;
};

}  // namespace patient_http::net
