#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/program.h"
#include "support/temporary_folder.h"
#include "support/test_certificate.h"

namespace patient_http::test {

// A tinyproxy on a port of 127.0.0.1.
class TestProxy {
 public:
  struct Options {
    std::string user = {};  // empty: anybody may use it
    std::string password = {};
    int connect_port = 0;  // the only one that tunnels lead to; 0: any
  };

  explicit TestProxy(const Options& options);
  TestProxy() : TestProxy(Options{}) {}
  ~TestProxy();
  TestProxy(const TestProxy&) = delete;
  TestProxy& operator=(const TestProxy&) = delete;

  [[nodiscard]] int port() const { return port_; }
  // "127.0.0.1:3128"
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // How many requests of this method it got ("CONNECT").
  [[nodiscard]] int count(const std::string& method) const;

 private:
  TemporaryFolder folder_;
  int port_;
  std::unique_ptr<Program> program_;
};

// TLS before a server on a port of 127.0.0.1 that has none: what a proxy with TLS is to its
// clients.
class TlsFront {
 public:
  TlsFront(const TestCertificate& certificate, int port);
  ~TlsFront();
  TlsFront(const TlsFront&) = delete;
  TlsFront& operator=(const TlsFront&) = delete;

  [[nodiscard]] int port() const { return port_; }

 private:
  void accept_all();
  void relay(int client) const;

  const TestCertificate& certificate_;
  const int server_port_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> relays_;
  std::thread acceptor_;
};

}  // namespace patient_http::test
