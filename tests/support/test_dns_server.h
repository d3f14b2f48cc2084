#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace patient_http::test {

// A real name server on a UDP port of 127.0.0.1. It knows the A records that it is given; other
// names do not exist (NXDOMAIN), and names under "silent." get no answer at all. Others it is told
// to answer wrongly.
class TestDnsServer {
 public:
  TestDnsServer();
  ~TestDnsServer();
  TestDnsServer(const TestDnsServer&) = delete;
  TestDnsServer& operator=(const TestDnsServer&) = delete;

  void add(const std::string& name, const std::vector<std::string>& ipv4_addresses,
           unsigned ttl = 30);
  // Every query for the name is answered by this failure: a code of RFC 1035 §4.1.1.
  enum class Failure { kServerFailure = 2, kRefused = 5 };
  void fail(const std::string& name, Failure failure);
  // With bytes that are no answer, behind the id of the query.
  void garble(const std::string& name);
  // With no record and the word to ask again over TCP, where nobody listens.
  void truncate(const std::string& name);
  // For ProcessorOptions::name_servers.
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // A queries for a name so far.
  [[nodiscard]] int queries_for(const std::string& name) const;

 private:
  struct Record {
    std::vector<std::string> addresses = {};
    unsigned ttl = 0;
    unsigned flags = 0;  // of the reply's header, beside those of every reply
    bool is_garbled = false;
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
