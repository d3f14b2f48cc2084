#pragma once

#include <chrono>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/url.h"
#include "drivers/http1/response_parser.h"
#include "drivers/net/event_loop.h"
#include "drivers/net/resolver.h"
#include "drivers/net/tls_context.h"
#include "engine/exchange.h"
#include "engine/http1_connection.h"
#include "engine/origin_dialer.h"

namespace patient_http::engine {

struct ConnectionPoolOptions {
  std::size_t max_idle = 256;     // connections
  std::size_t max_origins = 100;  // with idle connections
  std::chrono::steady_clock::duration idle_lifetime = std::chrono::seconds(60);
  http1::HeadLimits head_limits = {};
  // Null: none. They must outlive the pool.
  const ProxyRules* proxies = nullptr;
};

// Opens connections and keeps the idle ones per origin; the least recently used goes first.
// Belongs to the reactor thread.
class ConnectionPool final : private Http1Owner {
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

  // An idle connection to `origin` that the peer has not closed, or null.
  [[nodiscard]] HttpConnection* take_idle(const base::Origin& origin);
  // Opens a connection for `waiter`, who must live until it is called or gives up.
  void connect(const base::Origin& origin, Waiter& waiter);
  void give_up(Waiter& waiter);

  // Where the dial for `waiter` stands. REQUIRES: it waits.
  [[nodiscard]] DialPhase phase_of(const Waiter& waiter) const;
  [[nodiscard]] std::string peer_of(const Waiter& waiter) const;

  // Closes what is idle.
  void close_idle();
  // Frees what was closed since the last call. Call when no connection is in a call.
  void collect();

  [[nodiscard]] std::size_t idle_count() const { return idle_.size(); }

 private:
  class Dial;
  struct Pooled;
  using IdleList = std::list<Pooled*>;

  // Every connection that is open, and where it stands in the lists while it is idle.
  struct Pooled {
    base::Origin origin;
    std::unique_ptr<Http1Connection> connection;
    bool is_idle = false;
    std::chrono::steady_clock::time_point idle_since;
    IdleList::iterator in_all;
    IdleList::iterator in_origin;
  };
  struct OriginHash {
    std::size_t operator()(const base::Origin& origin) const;
  };

  void on_connection_idle(Http1Connection& connection) override;
  void on_connection_closed(Http1Connection& connection) override;

  void dial_succeeded(Dial& dial, net::Stream stream, net::Watch watch, const std::string& peer);
  void dial_failed(Dial& dial, DialPhase phase, const net::NetFailure& failure);
  void remove_idle(Pooled& pooled);
  void evict_oldest();
  void close_expired();
  void set_expiry_timer();

  net::EventLoop& loop_;
  const ConnectionPoolOptions options_;
  const DialContext dial_context_;
  std::vector<char> scratch_;
  net::Timer expiry_;

  std::unordered_map<const Waiter*, std::unique_ptr<Dial>> dials_;
  std::unordered_map<const Http1Connection*, std::unique_ptr<Pooled>> open_;
  IdleList idle_;                                                          // the longest idle first
  std::unordered_map<base::Origin, IdleList, OriginHash> idle_by_origin_;  // the latest last
  // Closed, but possibly still in a call.
  std::vector<std::unique_ptr<Pooled>> closed_;
  std::vector<std::unique_ptr<Dial>> ended_dials_;
};

}  // namespace patient_http::engine
