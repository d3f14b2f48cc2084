#pragma once

#include <string>
#include <utility>

#include "engine/connection_pool.h"

namespace patient_http::engine {

// A connection being opened at the request of one waiter. Private to the pool.
class ConnectionPool::Dial final : private net::Dialer::Listener {
 public:
  Dial(ConnectionPool& pool, OriginState& origin, Waiter& waiter, net::Alpn alpn)
      : pool_(pool),
        origin_(origin),
        waiter_(&waiter),
        dialer_(pool.loop_, pool.resolver_, origin.origin.is_tls() ? &pool.tls_ : nullptr, *this) {
    dialer_.dial({.host = origin.origin.host, .port = origin.origin.port, .alpn = alpn});
  }

  // REQUIRES: not given up.
  [[nodiscard]] OriginState& origin() const { return origin_; }
  // Null once it is given up: what it still reports is dropped.
  [[nodiscard]] Waiter* waiter() const { return waiter_; }
  void give_up() { waiter_ = nullptr; }
  [[nodiscard]] net::DialPhase phase() const { return dialer_.phase(); }
  [[nodiscard]] std::string peer() const {
    return dialer_.peer() ? dialer_.peer()->text() : std::string();
  }

 private:
  void on_connected(net::Stream stream, net::Watch watch, const net::Address& peer) override {
    pool_.dial_succeeded(*this, std::move(stream), std::move(watch), peer);
  }
  void on_dial_failed(net::DialPhase phase, net::NetFailure failure) override {
    pool_.dial_failed(*this, phase, failure);
  }

  ConnectionPool& pool_;
  OriginState& origin_;
  Waiter* waiter_;
  net::Dialer dialer_;
};

}  // namespace patient_http::engine
