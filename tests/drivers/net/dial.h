#pragma once

#include <netinet/in.h>

#include <chrono>
#include <functional>
#include <optional>

#include "drivers/net/dialer.h"

namespace patient_http::net {

// A loop, a resolver, and one dial at a time with what it came to.
class Dial final : public Dialer::Listener, public ReadyHandler {
 public:
  explicit Dial(const std::string& name_servers = "") : resolver(loop, name_servers) {}

  void on_connected(Stream connected, Watch its_watch, const Address& peer) override {
    stream.emplace(std::move(connected));
    watch = std::move(its_watch);
    watch.hand_to(*this);
    reached = peer.text();
  }
  void on_dial_failed(DialPhase in_phase, NetFailure its_failure) override {
    failed_in = in_phase;
    failure = std::move(its_failure);
  }
  void on_ready(Interest) override {}

  void start(const std::string& host, int port, const TlsContext* tls = nullptr) {
    dialer.emplace(loop, resolver, tls, static_cast<Dialer::Listener&>(*this), gate);
    dialer->dial({.host = host, .port = static_cast<std::uint16_t>(port)});
  }
  // Turns the loop until `done`, or for a long time.
  bool turn_until(const std::function<bool()>& done) {
    const auto latest = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!done() && std::chrono::steady_clock::now() < latest) loop.turn(latest);
    return done();
  }
  bool run(const std::string& host, int port, const TlsContext* tls = nullptr) {
    start(host, port, tls);
    turn_until([this] { return stream || failure; });
    return stream.has_value();
  }

  EventLoop loop;
  Resolver resolver;
  const AddressGate* gate = nullptr;
  std::optional<Dialer> dialer;
  std::optional<Stream> stream;
  Watch watch;
  std::string reached;
  std::optional<DialPhase> failed_in;
  std::optional<NetFailure> failure;
};

}  // namespace patient_http::net
