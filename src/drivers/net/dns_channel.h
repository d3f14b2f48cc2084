#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "drivers/net/address.h"
#include "drivers/net/event_loop.h"

struct ares_channeldata;

namespace patient_http::net {

// What came of a query.
struct DnsAnswer {
  // All of the name, the preferred first; none when the query failed.
  std::vector<Address> addresses;
  // The smallest TTL in the answer; 0 for what stands in /etc/hosts.
  std::chrono::seconds time_to_live{};
  std::string failure;
};

// Who asks for the addresses of a name.
class DnsQuery {
 public:
  virtual ~DnsQuery() = default;
  // Once, possibly from inside ask(); never once the channel is destroyed. Must not call or destroy
  // the channel.
  virtual void on_answer(const DnsAnswer& answer) = 0;
};

// Where the system names its servers.
struct SystemServers {
  std::string resolv_conf = "/etc/resolv.conf";
  std::uint16_t port = 53;
};

// A c-ares channel, its sockets and its clock on the loop. A query ends by itself after a few
// seconds. /etc/hosts is asked first, for each query anew. Belongs to the loop's thread.
class DnsChannel {
 public:
  // `servers` as in "192.0.2.1,192.0.2.2:5353"; empty: the system's, which are read here,
  // once. Throws std::invalid_argument when the servers cannot be parsed,
  // std::runtime_error when c-ares cannot start.
  DnsChannel(EventLoop& loop, const std::string& servers, SystemServers system);
  ~DnsChannel();
  DnsChannel(const DnsChannel&) = delete;
  DnsChannel& operator=(const DnsChannel&) = delete;

  // `query` must live until it is answered, or the channel is destroyed.
  void ask(const std::string& host, DnsQuery& query);
  // Whether all queries are answered.
  [[nodiscard]] bool is_idle() const { return asking_ == 0; }

  // Checks `servers` as the constructor would.
  [[nodiscard]] static bool are_valid_servers(const std::string& servers);

 private:
  struct Socket;
  struct Pending;

  static void on_socket_state(void* self, int fd, int readable, int writable);
  void on_clock();
  void set_clock();

  EventLoop& loop_;
  ares_channeldata* channel_ = nullptr;
  Timer clock_;
  std::vector<std::unique_ptr<Socket>> sockets_;
  std::size_t asking_ = 0;
};

}  // namespace patient_http::net
