#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drivers/net/address.h"
#include "drivers/net/address_gate.h"
#include "drivers/net/event_loop.h"
#include "drivers/net/net_failure.h"
#include "drivers/net/resolver.h"
#include "drivers/net/stream.h"
#include "drivers/net/tls_context.h"

namespace patient_http::net {

// Where a dial stands, and where it failed.
enum class DialPhase { kResolve, kConnect, kTls };

// What is to be connected to; ALPN only with TLS.
using DialTarget = TlsPeer;

// Opens one connection: looks up the name, tries its addresses, and does the TLS handshake with the
// first that answers. The next address is tried when one has failed, or has not answered within
// 250 ms while the earlier ones go on (RFC 8305, "happy eyeballs"); four at most at once, and
// sixteen in all. A handshake that is cut or reset sends it to the addresses that were not tried;
// any other failure of TLS is final, since the others would fail with it too. Reports once;
// destroying it abandons the dial. Belongs to the loop's thread.
//
// With a gate, a name is dialled only when all its addresses may be: whoever mixes forbidden ones
// with others (DNS rebinding) shall not have us try them in turn. What was judged is what is
// dialled: there is no further look-up.
class Dialer final : private ResolveWaiter {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    // The watch is for reading, and still reports to the dialer: hand it on. Both may destroy the
    // dialer. `peer` is the address that answered.
    virtual void on_connected(Stream stream, Watch watch, const Address& peer) = 0;
    virtual void on_dial_failed(DialPhase phase, NetFailure failure) = 0;
  };

  // All must outlive the dialer. `tls` null: a plain connection. `gate` null: every address.
  Dialer(EventLoop& loop, Resolver& resolver, const TlsContext* tls, Listener& listener,
         const AddressGate* gate = nullptr);
  ~Dialer() override;

  // Starts. Never reports before it returns. REQUIRES: called once.
  void dial(DialTarget target);

  [[nodiscard]] DialPhase phase() const { return phase_; }
  // The address that was tried last, once there is one.
  [[nodiscard]] const std::optional<Address>& peer() const { return peer_; }

 private:
  void on_resolved(const std::vector<Address>& addresses) override;
  void on_resolve_failed(const NetFailure& failure) override;

  struct Attempt;

  void begin(std::vector<Address> addresses);
  void judge_addresses();
  void step();
  void set_step();
  void start_attempt(const Address& address);
  void check_connect(Attempt& attempt);
  void start_handshake(Attempt& attempt);
  void continue_handshake(Attempt& attempt);
  void handshake_failed(Attempt& attempt, NetFailure failure);
  void attempt_failed(Attempt& attempt, NetFailure failure);
  void address_failed(const Address& address, NetFailure failure);
  void note_earlier_failure();
  void connected(Attempt& attempt);
  void fail_with_last();
  void fail(NetFailure failure);

  EventLoop& loop_;
  Resolver& resolver_;
  const TlsContext* tls_;
  Listener& listener_;
  const AddressGate* gate_;
  Timer step_;  // what comes next: another address, or the end
  DialTarget target_;
  DialPhase phase_ = DialPhase::kResolve;
  bool resolving_ = false;
  std::vector<Address> addresses_;
  std::size_t found_ = 0;  // addresses of the name, of which sixteen are in addresses_
  std::size_t next_ = 0;
  std::vector<std::unique_ptr<Attempt>> attempts_;  // the oldest first
  std::optional<NetFailure> denial_;                // of one of them: none is dialled
  std::optional<Address> peer_;
  std::optional<NetFailure> last_failure_;
  std::optional<Address> failed_at_;  // with it
  std::string earlier_failures_;      // of other addresses, the first few
};

}  // namespace patient_http::net
