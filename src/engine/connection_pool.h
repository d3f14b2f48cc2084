#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/url.h"
#include "drivers/http1/response_parser.h"
#include "drivers/net/event_loop.h"
#include "drivers/net/resolver.h"
#include "drivers/net/tls_context.h"
#include "engine/address_policy.h"
#include "engine/exchange.h"
#include "engine/http2_connection.h"
#include "engine/origin_dialer.h"
#include "engine/protocol_memory.h"
#include "patient_http/http_protocol.h"

namespace patient_http::engine {

struct ConnectionPoolOptions {
  std::size_t max_idle = 256;     // connections
  std::size_t max_origins = 100;  // with idle connections
  std::chrono::steady_clock::duration idle_lifetime = std::chrono::seconds(60);
  http1::HeadLimits head_limits = {};
  // Unset: what a TLS server chooses, and HTTP/1.1 without TLS.
  std::optional<HttpProtocol> protocol = std::nullopt;
  std::chrono::steady_clock::duration ping_interval = std::chrono::seconds(30);
  std::chrono::steady_clock::duration ping_timeout = std::chrono::seconds(10);
  // Connections to an origin, open or being opened, for each policy; 0, or no function: any number.
  std::function<std::size_t(const base::Origin&)> origin_limit = {};
  // Null: none. They must outlive the pool.
  const ProxyRules* proxies = nullptr;
};

// Opens connections, shares those of HTTP/2, and keeps the idle ones per origin; the least recently
// used goes first. Belongs to the reactor thread.
//
// Whoever needs a connection waits in the queue of its origin. How many dials it has is the
// origin's protocol's: HTTP/1.1 has one for each waiter, who gets what his own dial brings. HTTP/2
// has as many as the streams in the queue need, as far as the server said how many it takes on a
// connection. As long as the protocol is not known there is one, and the others wait for it: it is
// raced when it is slow, and they have others when it fails.
//
// What was opened under one policy for addresses serves no other: each has an origin of its own
// here, as if there were two.
class ConnectionPool final : private ConnectionOwner {
 public:
  // Who waits for a connection. Called once, never from inside connect().
  class Waiter {
   public:
    virtual ~Waiter() = default;
    virtual void on_connection(HttpConnection& connection) = 0;
    // `peer` is the last address tried, or empty.
    virtual void on_dial_failed(DialPhase phase, const net::NetFailure& failure,
                                const std::string& peer) = 0;
  };

  // All must outlive the pool.
  ConnectionPool(net::EventLoop& loop, net::Resolver& resolver, const net::TlsContext& tls,
                 ConnectionPoolOptions options);
  ~ConnectionPool() override;

  // A connection to `origin` that can take an exchange at once, or null. `policy`, that judges the
  // addresses, must outlive the pool; null: every one may be dialled.
  [[nodiscard]] HttpConnection* find_free(const base::Origin& origin,
                                          const AddressPolicy* policy = nullptr);
  // Gets a connection for `waiter`, who must live until it is called or gives up.
  void connect(const base::Origin& origin, Waiter& waiter, const AddressPolicy* policy = nullptr);
  void give_up(Waiter& waiter);

  // Where the dial stands that `waiter` waits for; nothing while it waits for a connection to
  // become free. REQUIRES: it waits.
  [[nodiscard]] std::optional<DialPhase> phase_of(const Waiter& waiter) const;
  // When that dial began.
  [[nodiscard]] std::optional<net::TimePoint> dialing_since(const Waiter& waiter) const;
  [[nodiscard]] std::string peer_of(const Waiter& waiter) const;

  // Closes what is idle.
  void close_idle();
  // Frees what was closed since the last call. Call when no connection is in a call.
  void collect();

  [[nodiscard]] std::size_t idle_count() const { return idle_.size(); }
  [[nodiscard]] std::size_t open_count() const { return open_.size(); }

 private:
  class Dial;
  struct Pooled;
  struct OriginState;
  using IdleList = std::list<Pooled*>;

  // Who may share connections.
  struct Key {
    base::Origin origin;
    const AddressPolicy* policy = nullptr;

    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const;
  };
  // Every connection that is open, and where it stands in the lists while it is idle.
  struct Pooled {
    OriginState* origin = nullptr;
    std::unique_ptr<HttpConnection> connection;
    Http2Connection* http2 = nullptr;         // the same, if it is one
    std::optional<std::size_t> stream_limit;  // as it is remembered
    bool is_draining = false;
    bool is_idle = false;
    std::chrono::steady_clock::time_point idle_since;
    IdleList::iterator in_all;
    IdleList::iterator in_origin;
  };
  struct Waiting {
    OriginState* origin = nullptr;
    std::unique_ptr<Dial> dial;  // or, without one:
    std::list<Waiter*>::iterator in_queue;
  };
  // Kept as long as anything in it is.
  struct OriginState {
    base::Origin origin;
    const AddressPolicy* policy = nullptr;
    std::list<Waiter*> queue;  // those who have no dial
    std::list<Dial*> dials;
    std::size_t open = 0;          // connections
    std::size_t failed_dials = 0;  // since one succeeded, or those who waited were told
    IdleList idle;                 // the latest last
    std::list<Pooled*> shared;     // HTTP/2 that takes more streams
    bool is_due = false;           // in due_
  };

  void on_room_changed(HttpConnection& connection) override;
  void on_draining(HttpConnection& connection) override;
  void on_http1_required(HttpConnection& connection) override;
  void on_connection_closed(HttpConnection& connection) override;

  void dial_succeeded(Dial& dial, net::Stream stream, net::Watch watch, const std::string& peer);
  void dial_failed(Dial& dial, DialPhase phase, const net::NetFailure& failure);
  HttpConnection& add(OriginState& state, bool is_http2, net::Stream stream, net::Watch watch,
                      std::string peer);
  [[nodiscard]] std::unique_ptr<Dial> end_wait(Waiter& waiter);
  [[nodiscard]] const Dial* dial_for(const Waiter& waiter) const;

  // What an origin is due (in connection_pool_dispatch.cc).
  void look_after(OriginState& state);
  void run_due();
  void serve_slow_dials(OriginState& state);
  void serve_queue(OriginState& state);
  void open_more(OriginState& state);
  [[nodiscard]] bool needs_dial(OriginState& state);
  // Whether it seems that nobody can connect to it.
  [[nodiscard]] static bool is_down(const OriginState& state);
  [[nodiscard]] static bool are_all_slow(const OriginState& state);
  [[nodiscard]] HttpConnection* take_free(OriginState& state);
  [[nodiscard]] net::Alpn alpn_for(const base::Origin& origin);

  void make_idle(Pooled& pooled);
  void remove_idle(Pooled& pooled);
  void evict_oldest();
  void close_expired();
  void set_expiry_timer();

  net::EventLoop& loop_;
  const ConnectionPoolOptions options_;
  const DialContext dial_context_;
  ConnectionBuffers buffers_;
  ProtocolMemory memory_;
  net::Timer expiry_;
  net::Timer dispatch_;

  std::unordered_map<Key, OriginState, KeyHash> origins_;
  std::unordered_map<const Waiter*, Waiting> waiting_;
  std::unordered_map<const HttpConnection*, std::unique_ptr<Pooled>> open_;
  IdleList idle_;                 // the longest idle first
  std::size_t idle_origins_ = 0;  // with idle connections
  std::vector<OriginState*> due_;
  // Closed, but possibly still in a call.
  std::vector<std::unique_ptr<Pooled>> closed_;
  std::vector<std::unique_ptr<Dial>> ended_dials_;
};

}  // namespace patient_http::engine
