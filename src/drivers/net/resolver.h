#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "drivers/net/address.h"
#include "drivers/net/event_loop.h"
#include "drivers/net/net_failure.h"

namespace patient_http::net {

class ResolveWaiter {
 public:
  virtual ~ResolveWaiter() = default;
  // One of the two, once, never from inside resolve(). Both may destroy the waiter and start
  // further look-ups. The addresses have port 0, at least one, the preferred first.
  virtual void on_resolved(const std::vector<Address>& addresses) = 0;
  virtual void on_resolve_failed(const NetFailure& failure) = 0;
};

// Looks up host names with c-ares, on the loop and without a thread. Look-ups of the same name at
// the same time share one query; an answer serves for a short while (its TTL, at most a minute).
// A query ends by itself after a few seconds; waiters that give up earlier call forget().
// Belongs to the loop's thread.
class Resolver {
 public:
  // `servers` as in "192.0.2.1,192.0.2.2:5353"; empty: those of /etc/resolv.conf. Throws
  // std::invalid_argument when they cannot be parsed, std::runtime_error when c-ares cannot start.
  Resolver(EventLoop& loop, const std::string& servers);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // `waiter` must live until it is called or forgotten.
  void resolve(const std::string& host, ResolveWaiter& waiter);
  // c-ares cannot cancel one query: it goes on, and the waiter is no longer told.
  void forget(ResolveWaiter& waiter);

  // Checks `servers` as the constructor would.
  [[nodiscard]] static bool are_valid_servers(const std::string& servers);

 private:
  class Channel;
  struct Lookup;

  void finish(const std::string& host);
  void report_failure(std::unique_ptr<Lookup> lookup);
  void drop_old_answers();

  EventLoop& loop_;
  std::map<std::string, std::unique_ptr<Lookup>> lookups_;
  std::unique_ptr<Lookup> failing_;  // while its waiters are told
  std::unique_ptr<Channel> channel_;
};

}  // namespace patient_http::net
