#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace patient_http::test {

// A real name server on a port of the loopback, UDP and TCP: an answer of more than 512 bytes is to
// be asked for over TCP. It knows the A and AAAA records that it is
// given; other names do not exist (NXDOMAIN), and names under "silent." get no answer at all. Some
// it is told to answer wrongly.
class TestDnsServer {
 public:
  TestDnsServer() : TestDnsServer("127.0.0.1", 0) {}
  // On another address of the machine's own; port 0: any.
  TestDnsServer(const std::string& ip, int port);
  ~TestDnsServer();
  TestDnsServer(const TestDnsServer&) = delete;
  TestDnsServer& operator=(const TestDnsServer&) = delete;

  void add(const std::string& name, const std::vector<std::string>& addresses, unsigned ttl = 30);
  // The name is another one for `target` (CNAME), whose addresses are given with it.
  void add_alias(const std::string& name, const std::string& target);
  // Every query for the name is answered by this failure: a code of RFC 1035 §4.1.1.
  enum class Failure { kServerFailure = 2, kRefused = 5 };
  void fail(const std::string& name, Failure failure);
  // With bytes that are no answer, behind the id of the query.
  void garble(const std::string& name);
  // With no record and the word to ask again over TCP, where there is none either.
  void truncate(const std::string& name);
  // For ProcessorOptions::name_servers.
  [[nodiscard]] std::string address() const { return ip_ + ":" + std::to_string(port_); }
  [[nodiscard]] int port() const { return port_; }
  // Takes no queries until release().
  void hold() { hold_.lock(); }
  void release() { hold_.unlock(); }
  // A queries for a name so far.
  [[nodiscard]] int queries_for(const std::string& name) const;

 private:
  struct Record {
    std::vector<std::string> addresses = {};
    unsigned ttl = 0;
    unsigned flags = 0;  // of the reply's header, beside those of every reply
    bool is_garbled = false;
    std::string alias_of = {};
  };

  void serve();
  // False when the server is to stop.
  [[nodiscard]] bool answer_datagram();
  // False when the connection has ended.
  [[nodiscard]] bool answer_on(int connection);
  [[nodiscard]] std::string reply_to(const std::string& query);

  const std::string ip_;
  int socket_ = -1;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::mutex hold_;  // taken around each answer
  mutable std::mutex mutex_;
  std::map<std::string, Record> records_;
  std::map<std::string, int> queries_;
  std::thread thread_;
};

}  // namespace patient_http::test
