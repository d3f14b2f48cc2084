#include "drivers/net/dns_channel.h"

#include <ares.h>
#include <netdb.h>

#include <algorithm>
#include <mutex>
#include <stdexcept>

namespace patient_http::net {

namespace {

// Two tries of two seconds per server: a name server that hangs ends as a failure of its own, also
// when the request would have time left.
constexpr int kQueryTimeoutMs = 2000;
constexpr int kQueryTries = 2;

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

std::chrono::seconds time_to_live_of(const ares_addrinfo& answer) {
  int seconds = answer.nodes->ai_ttl;
  for (const ares_addrinfo_node* node = answer.nodes; node != nullptr; node = node->ai_next) {
    seconds = std::min(seconds, node->ai_ttl);
  }
  for (const ares_addrinfo_cname* name = answer.cnames; name != nullptr; name = name->next) {
    seconds = std::min(seconds, name->ttl);
  }
  return std::chrono::seconds(std::max(seconds, 0));
}

DnsAnswer answer_of(int status, const ares_addrinfo* found) {
  DnsAnswer answer;
  if (status != ARES_SUCCESS || found == nullptr || found->nodes == nullptr) {
    answer.failure = ares_strerror(status == ARES_SUCCESS ? ARES_ENODATA : status);
    return answer;
  }
  for (const ares_addrinfo_node* node = found->nodes; node != nullptr; node = node->ai_next) {
    answer.addresses.emplace_back(node->ai_addr, node->ai_addrlen);
  }
  answer.time_to_live = time_to_live_of(*found);
  return answer;
}

}  // namespace

struct DnsChannel::Socket final : ReadyHandler {
  Socket(DnsChannel& the_channel, int the_fd) : channel(the_channel), fd(the_fd) {}
  void on_ready(Interest ready) override {
    DnsChannel& owner = channel;
    const ares_socket_t socket = fd;
    // c-ares may close the socket in here, and with it destroy this object.
    ares_process_fd(owner.channel_, ready.read ? socket : ARES_SOCKET_BAD,
                    ready.write ? socket : ARES_SOCKET_BAD);
    owner.set_clock();
  }
  DnsChannel& channel;
  int fd;
  Watch watch;
};

// A query that c-ares has; it always calls back, at last when the channel is destroyed.
struct DnsChannel::Pending {
  static void on_answer(void* argument, int status, int, ares_addrinfo* found) {
    const std::unique_ptr<Pending> pending(static_cast<Pending*>(argument));
    --pending->channel.asking_;
    if (status != ARES_EDESTRUCTION && status != ARES_ECANCELLED) {
      pending->query.on_answer(answer_of(status, found));
    }
    if (found != nullptr) ares_freeaddrinfo(found);
  }

  DnsChannel& channel;
  DnsQuery& query;
};

DnsChannel::DnsChannel(EventLoop& loop, const std::string& servers, SystemServers system)
    : loop_(loop), clock_([this] { on_clock(); }) {
  ares_options options{};
  options.timeout = kQueryTimeoutMs;
  options.tries = kQueryTries;
  options.sock_state_cb = &DnsChannel::on_socket_state;
  options.sock_state_cb_data = this;
  options.udp_port = options.tcp_port = system.port;
  options.resolvconf_path = system.resolv_conf.data();
  channel_ = open_channel(options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB |
                                       ARES_OPT_RESOLVCONF | ARES_OPT_UDP_PORT | ARES_OPT_TCP_PORT);
  if (!servers.empty() && ares_set_servers_ports_csv(channel_, servers.c_str()) != ARES_SUCCESS) {
    ares_destroy(channel_);
    throw std::invalid_argument("name_servers is no list of addresses: " + servers);
  }
}

DnsChannel::~DnsChannel() {
  ares_destroy(channel_);
}

void DnsChannel::ask(const std::string& host, DnsQuery& query) {
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  ++asking_;
  auto pending = std::unique_ptr<Pending>(new Pending{*this, query});
  ares_getaddrinfo(channel_, host.c_str(), nullptr, &hints, &Pending::on_answer, pending.release());
  set_clock();
}

void DnsChannel::on_socket_state(void* self, int fd, int readable, int writable) {
  auto& channel = *static_cast<DnsChannel*>(self);
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

void DnsChannel::on_clock() {
  ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  set_clock();
}

void DnsChannel::set_clock() {
  timeval wait{};
  if (ares_timeout(channel_, nullptr, &wait) == nullptr) {
    loop_.timers().cancel(clock_);
    return;
  }
  loop_.timers().set(clock_, std::chrono::steady_clock::now() + std::chrono::seconds(wait.tv_sec) +
                                 std::chrono::microseconds(wait.tv_usec));
}

bool DnsChannel::are_valid_servers(const std::string& servers) {
  if (servers.empty()) return true;
  ares_options options{};
  ares_channel channel = open_channel(options, 0);
  const bool valid = ares_set_servers_ports_csv(channel, servers.c_str()) == ARES_SUCCESS;
  ares_destroy(channel);
  return valid;
}

}  // namespace patient_http::net
