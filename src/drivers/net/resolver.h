#pragma once

#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "drivers/net/address.h"
#include "drivers/net/address_order.h"
#include "drivers/net/dns_channel.h"
#include "drivers/net/event_loop.h"
#include "drivers/net/file_stamp.h"
#include "drivers/net/net_failure.h"

namespace patient_http::net {

class ResolveWaiter {
 public:
  virtual ~ResolveWaiter() = default;
  // One of the two, once, never from inside resolve(). Both may destroy the waiter and start
  // further look-ups. The addresses have port 0, at least one, in the order in
  // which they are to be tried.
  virtual void on_resolved(const std::vector<Address>& addresses) = 0;
  virtual void on_resolve_failed(const NetFailure& failure) = 0;
};

// Looks up host names on the loop and without a thread. Look-ups of the same name at the same time
// share one query. An answer serves for its TTL, at most a minute; with a TTL of 0 only those who
// were waiting for it. A thousand names are remembered; failures are not.
//
// A query ends by itself after a few seconds; waiters that give up earlier call forget().
// Belongs to the loop's thread.
class Resolver {
 public:
  // `servers` as in "192.0.2.1,192.0.2.2:5353"; empty: the system's. Their file is
  // looked at again with a new look-up, once a second at most; when it has changed, its servers are
  // asked from then on, and what the former ones said is forgotten; only look-ups that they were
  // asked before still wait for them. Throws std::invalid_argument when the servers cannot be
  // parsed, std::runtime_error when c-ares cannot start.
  Resolver(EventLoop& loop, const std::string& servers, const SystemServers& system = {});
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // `waiter` must live until it is called or forgotten.
  void resolve(const std::string& host, ResolveWaiter& waiter);
  // c-ares cannot cancel one query: it goes on, and the waiter is no longer told.
  void forget(ResolveWaiter& waiter);

  // This address of `host` answered when those before it did not: it is given first for a while.
  void prefer(const std::string& host, const Address& address) {
    order_.prefer(host, address, loop_.now());
  }

  // Checks `servers` as the constructor would.
  [[nodiscard]] static bool are_valid_servers(const std::string& servers) {
    return DnsChannel::are_valid_servers(servers);
  }

 private:
  struct Query;
  struct Answer {
    std::vector<Address> addresses;
    TimePoint good_until;
  };
  // What some waiters are about to be told; no addresses: the failure.
  struct Telling {
    std::vector<Address> addresses;
    NetFailure failure;
    std::deque<ResolveWaiter*> waiters;
  };

  void on_answer(const Query& ended, const DnsAnswer& answer);
  [[nodiscard]] std::unique_ptr<Query> take(const Query& query);
  void tell(Telling telling);
  void tell_some();
  void remember(const std::string& host, Answer answer);
  void follow_resolv_conf();

  EventLoop& loop_;
  Timer telling_timer_;
  std::unordered_map<std::string, std::unique_ptr<Query>> queries_;  // under way
  std::vector<std::unique_ptr<Query>> former_queries_;               // at former servers
  std::unordered_map<std::string, Answer> answers_;
  std::list<Telling> tellings_;
  AddressOrder order_;

  // Empty when the servers were given.
  const std::optional<SystemServers> system_;
  std::optional<FileStamp> followed_;  // what the channel was opened with
  TimePoint next_look_;

  std::unique_ptr<DnsChannel> channel_;
  // Of former servers, until their queries have ended.
  std::vector<std::unique_ptr<DnsChannel>> former_channels_;
};

}  // namespace patient_http::net
