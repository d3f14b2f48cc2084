#pragma once

#include <string>
#include <utility>

#include "engine/connection_pool.h"

namespace patient_http::engine {

// A connection being opened at the request of one waiter. Private to the pool.
class ConnectionPool::Dial final : private OriginDialer::Listener {
 public:
  Dial(ConnectionPool& pool, OriginState& origin, Waiter& waiter, net::Alpn alpn)
      : pool_(pool),
        origin_(origin),
        waiter_(&waiter),
        began_at_(pool.loop_.now()),
        dialer_(pool.dial_context_, *this),
        slow_timer_([this] { became_slow(); }) {
    dialer_.dial(origin.origin, alpn, origin.policy);
    pool.loop_.timers().set(slow_timer_, began_at_ + kSlow);
  }

  // REQUIRES: not given up.
  [[nodiscard]] OriginState& origin() const { return origin_; }
  // Null once it is given up: what it still reports is dropped.
  [[nodiscard]] Waiter* waiter() const { return waiter_; }
  void give_up() { waiter_ = nullptr; }
  // Whether it takes so long that it may never come to an end.
  [[nodiscard]] bool is_slow() const { return is_slow_; }
  [[nodiscard]] net::TimePoint began_at() const { return began_at_; }
  [[nodiscard]] DialPhase phase() const { return dialer_.phase(); }
  [[nodiscard]] std::string peer() const { return dialer_.peer(); }

 private:
  static constexpr std::chrono::seconds kSlow{1};

  void became_slow() {
    is_slow_ = true;
    if (waiter_ != nullptr) pool_.look_after(origin_);
  }
  void on_connected(net::Stream stream, net::Watch watch, const std::string& peer) override {
    pool_.dial_succeeded(*this, std::move(stream), std::move(watch), peer);
  }
  void on_dial_failed(DialPhase phase, net::NetFailure failure) override {
    pool_.dial_failed(*this, phase, failure);
  }

  ConnectionPool& pool_;
  OriginState& origin_;
  Waiter* waiter_;
  const net::TimePoint began_at_;
  OriginDialer dialer_;
  bool is_slow_ = false;
  net::Timer slow_timer_;
};

}  // namespace patient_http::engine
