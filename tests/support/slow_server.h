#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "drivers/net/event_loop.h"
#include "support/slow_exchange.h"
#include "support/slow_socket.h"

namespace patient_http::test {

struct SlowServerOptions {
  int port = 0;  // 0: any that is free
  bool tls = false;
  // HTTP/2 for clients that offer it in the TLS handshake, or begin with it on a plain connection;
  // HTTP/1.1 for all others.
  bool http2 = false;
  std::uint32_t max_streams = 100;  // at once, on a connection of HTTP/2
  // For requests whose query does not say otherwise.
  std::chrono::duration<double> delay{0};
  std::chrono::duration<double> jitter{0};
  // Gets a line per request received, x-request-id and target, before it is answered. Empty: none.
  std::string log_file = {};
};

// A server on 127.0.0.1 that takes its time, for tens of thousands of connections at once: the
// stand-in for a slow API in demos, tests and benchmarks. HTTP/1.1 with keep-alive and HTTP/2,
// plain or TLS (with TestCertificate). One thread, which lives as long as the object.
class SlowServer {
 public:
  // Throws std::runtime_error or std::system_error when it cannot listen.
  explicit SlowServer(SlowServerOptions options);
  ~SlowServer();
  SlowServer(const SlowServer&) = delete;
  SlowServer& operator=(const SlowServer&) = delete;

  // "https://127.0.0.1:8443"
  [[nodiscard]] std::string url() const;

 private:
  class Acceptor;
  class Http1Connection;
  class Http2Connection;
  struct Tls;

  void run();
  void accept_some();
  void switch_to_http2(SlowSocket socket, std::string_view bytes);
  void close(int fd);
  [[nodiscard]] SlowAnswer answer_to(std::string_view target);
  void log(const SlowRequest& request) const;

  const SlowServerOptions options_;
  std::unique_ptr<Tls> tls_;  // null: plain
  net::Fd log_;
  net::Fd listener_;
  net::Fd spare_;  // given up to refuse a connection when the process has no other descriptor left
  int port_ = 0;
  net::EventLoop loop_;
  std::unique_ptr<Acceptor> acceptor_;
  std::vector<std::unique_ptr<net::ReadyHandler>> connections_;  // by descriptor
  std::vector<char> scratch_;  // into which all connections are read
  std::minstd_rand random_{std::random_device{}()};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace patient_http::test
