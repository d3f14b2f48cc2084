#include "drivers/net/resolver.h"

#include <ares.h>
#include <netdb.h>

#include <algorithm>
#include <deque>
#include <mutex>
#include <optional>
#include <stdexcept>

namespace patient_http::net {

namespace {

// Two tries of two seconds per server: a name server that hangs ends as a failure of its own, also
// when the request would have time left.
constexpr int kQueryTimeoutMs = 2000;
constexpr int kQueryTries = 2;
constexpr std::size_t kWaitersPerTurn = 64;
constexpr std::chrono::seconds kShortestLife{1};
constexpr std::chrono::seconds kLongestLife{60};

void initialise_library() {
  static std::once_flag once;
  std::call_once(once, [] { ares_library_init(ARES_LIB_INIT_ALL); });
}

ares_channel open_channel(ares_options& options, int mask) {
  initialise_library();
  ares_channel channel = nullptr;
  const int status = ares_init_options(&channel, &options, mask);
  if (status != ARES_SUCCESS) {
    throw std::runtime_error(std::string("cannot start the resolver: ") + ares_strerror(status));
  }
  return channel;
}

std::vector<Address> addresses_of(const ares_addrinfo& answer) {
  std::vector<Address> addresses;
  for (const ares_addrinfo_node* node = answer.nodes; node != nullptr; node = node->ai_next) {
    addresses.emplace_back(node->ai_addr, node->ai_addrlen);
  }
  return addresses;
}

std::chrono::seconds life_of(const ares_addrinfo& answer) {
  auto life = kLongestLife;
  for (const ares_addrinfo_node* node = answer.nodes; node != nullptr; node = node->ai_next) {
    life = std::min(life, std::chrono::seconds(node->ai_ttl));
  }
  return std::max(life, kShortestLife);
}

}  // namespace

// One name: being asked for, or answered and remembered.
struct Resolver::Lookup {
  Lookup(Resolver& resolver, std::string name)
      : owner(resolver), host(std::move(name)), report([this] { owner.finish(host); }) {}

  static void on_answer(void* argument, int status, int, ares_addrinfo* answer) {
    auto& lookup = *static_cast<Lookup*>(argument);
    if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED) return;
    if (status == ARES_SUCCESS && answer != nullptr && answer->nodes != nullptr) {
      lookup.addresses = addresses_of(*answer);
      lookup.good_until = std::chrono::steady_clock::now() + life_of(*answer);
    } else {
      lookup.failure =
          NetFailure{NetFailure::Kind::kResolve,
                     std::string("look-up of ") + lookup.host + ": " + ares_strerror(status)};
    }
    if (answer != nullptr) ares_freeaddrinfo(answer);
    lookup.answered = true;
    // Told on the next occasion: c-ares may answer from inside ares_getaddrinfo().
    lookup.owner.loop_.timers().set(lookup.report, lookup.owner.loop_.now());
  }

  Resolver& owner;
  std::string host;
  Timer report;
  std::deque<ResolveWaiter*> waiters;
  bool answered = false;
  std::vector<Address> addresses;
  NetFailure failure;
  TimePoint good_until;
};

// The c-ares channel, its sockets and its clock on the loop.
class Resolver::Channel {
 public:
  Channel(EventLoop& loop, const std::string& servers)
      : loop_(loop), clock_([this] { on_clock(); }) {
    ares_options options{};
    options.timeout = kQueryTimeoutMs;
    options.tries = kQueryTries;
    options.sock_state_cb = &Channel::on_socket_state;
    options.sock_state_cb_data = this;
    channel_ = open_channel(options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    if (!servers.empty() && ares_set_servers_ports_csv(channel_, servers.c_str()) != ARES_SUCCESS) {
      ares_destroy(channel_);
      throw std::invalid_argument("name_servers is no list of addresses: " + servers);
    }
  }
  ~Channel() { ares_destroy(channel_); }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  void ask(Lookup& lookup) {
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    ares_getaddrinfo(channel_, lookup.host.c_str(), nullptr, &hints, &Lookup::on_answer, &lookup);
    set_clock();
  }

 private:
  struct Socket final : ReadyHandler {
    Socket(Channel& the_channel, ares_socket_t the_fd) : channel(the_channel), fd(the_fd) {}
    void on_ready(Interest ready) override {
      Channel& owner = channel;
      const ares_socket_t socket = fd;
      // c-ares may close the socket in here, and with it destroy this object.
      ares_process_fd(owner.channel_, ready.read ? socket : ARES_SOCKET_BAD,
                      ready.write ? socket : ARES_SOCKET_BAD);
      owner.set_clock();
    }
    Channel& channel;
    ares_socket_t fd;
    Watch watch;
  };

  static void on_socket_state(void* self, ares_socket_t fd, int readable, int writable) {
    auto& channel = *static_cast<Channel*>(self);
    auto& sockets = channel.sockets_;
    const auto it = std::find_if(sockets.begin(), sockets.end(),
                                 [fd](const auto& socket) { return socket->fd == fd; });
    if (readable == 0 && writable == 0) {
      if (it != sockets.end()) sockets.erase(it);
      return;
    }
    const Interest interest{readable != 0, writable != 0};
    if (it != sockets.end()) {
      (*it)->watch.set(interest);
      return;
    }
    auto socket = std::make_unique<Socket>(channel, fd);
    socket->watch = channel.loop_.watch(fd, interest, *socket);
    sockets.push_back(std::move(socket));
  }

  void on_clock() {
    ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_clock();
  }

  void set_clock() {
    timeval wait{};
    if (ares_timeout(channel_, nullptr, &wait) == nullptr) {
      loop_.timers().cancel(clock_);
      return;
    }
    loop_.timers().set(clock_, std::chrono::steady_clock::now() +
                                   std::chrono::seconds(wait.tv_sec) +
                                   std::chrono::microseconds(wait.tv_usec));
  }

  EventLoop& loop_;
  ares_channel channel_ = nullptr;
  Timer clock_;
  std::vector<std::unique_ptr<Socket>> sockets_;
};

Resolver::Resolver(EventLoop& loop, const std::string& servers)
    : loop_(loop), channel_(std::make_unique<Channel>(loop, servers)) {}

// The channel goes first: c-ares ends its queries with a call to each look-up.
Resolver::~Resolver() {
  channel_.reset();
}

void Resolver::resolve(const std::string& host, ResolveWaiter& waiter) {
  auto it = lookups_.find(host);
  if (it != lookups_.end()) {
    Lookup& lookup = *it->second;
    const bool being_asked = !lookup.answered || lookup.report.is_set();
    if (being_asked || lookup.good_until > loop_.now()) {
      lookup.waiters.push_back(&waiter);
      if (!being_asked) loop_.timers().set(lookup.report, loop_.now());
      return;
    }
    lookups_.erase(it);
  }
  auto& lookup = *(lookups_[host] = std::make_unique<Lookup>(*this, host));
  lookup.waiters.push_back(&waiter);
  channel_->ask(lookup);
}

void Resolver::forget(ResolveWaiter& waiter) {
  for (auto& [host, lookup] : lookups_) std::erase(lookup->waiters, &waiter);
  if (failing_) std::erase(failing_->waiters, &waiter);
}

void Resolver::finish(const std::string& host) {
  const auto it = lookups_.find(host);
  if (it->second->addresses.empty()) {
    report_failure(std::move(lookups_.extract(it).mapped()));
    return;
  }
  // Each waiter starts a connection: thousands of them are spread over several turns.
  Lookup& lookup = *it->second;
  for (std::size_t told = 0; !lookup.waiters.empty(); ++told) {
    if (told == kWaitersPerTurn) {
      loop_.timers().set(lookup.report, loop_.now() + std::chrono::nanoseconds(1));
      return;
    }
    ResolveWaiter* waiter = lookup.waiters.front();
    lookup.waiters.pop_front();
    waiter->on_resolved(lookup.addresses);
  }
  drop_old_answers();
}

// The look-up is no longer in the table, so that a waiter that asks again asks anew.
void Resolver::report_failure(std::unique_ptr<Lookup> lookup) {
  failing_ = std::move(lookup);
  while (!failing_->waiters.empty()) {
    ResolveWaiter* waiter = failing_->waiters.front();
    failing_->waiters.pop_front();
    waiter->on_resolve_failed(failing_->failure);
  }
  failing_.reset();
}

// When the table has grown, not each at its own time.
void Resolver::drop_old_answers() {
  constexpr std::size_t kManyNames = 1000;
  if (lookups_.size() <= kManyNames) return;
  std::erase_if(lookups_, [&](const auto& entry) {
    const Lookup& lookup = *entry.second;
    return lookup.answered && lookup.waiters.empty() && !lookup.report.is_set() &&
           lookup.good_until <= loop_.now();
  });
}

bool Resolver::are_valid_servers(const std::string& servers) {
  if (servers.empty()) return true;
  ares_options options{};
  ares_channel channel = open_channel(options, 0);
  const bool valid = ares_set_servers_ports_csv(channel, servers.c_str()) == ARES_SUCCESS;
  ares_destroy(channel);
  return valid;
}

}  // namespace patient_http::net
