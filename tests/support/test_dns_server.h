#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace patient_http::test {

// A real name server on a UDP port of 127.0.0.1. It knows the A records that it is given; other
// names do not exist (NXDOMAIN), and names under "silent." get no answer at all.
class TestDnsServer {
 public:
  TestDnsServer();
  ~TestDnsServer();
  TestDnsServer(const TestDnsServer&) = delete;
  TestDnsServer& operator=(const TestDnsServer&) = delete;

  void add(const std::string& name, const std::vector<std::string>& ipv4_addresses,
           unsigned ttl = 30);
  // For ProcessorOptions::name_servers.
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // A queries for a name so far.
  [[nodiscard]] int queries_for(const std::string& name) const;

 private:
  struct Record {
    std::vector<std::string> addresses;
    unsigned ttl = 0;
  };

  void serve();
  [[nodiscard]] std::string reply_to(const std::string& query);

  int socket_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::map<std::string, Record> records_;
  std::map<std::string, int> queries_;
  std::thread thread_;
};

}  // namespace patient_http::test
