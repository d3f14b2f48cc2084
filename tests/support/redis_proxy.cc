#include "support/redis_proxy.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "drivers/redis/reply_reader.h"
#include "support/loopback_port.h"

namespace patient_http::test {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kMostHeld = 1 << 20;

void make_ready(int fd) {
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

bool is_greeting(std::string_view command) {
  return command == "AUTH" || command == "SELECT" || command == "CLIENT";
}

}  // namespace

// Bytes on their way in one direction.
struct RedisProxy::Flow {
  struct Chunk {
    std::string bytes;
    Clock::time_point due;
  };

  [[nodiscard]] bool may_read() const { return !has_ended && held < kMostHeld; }
  [[nodiscard]] bool may_write() const { return !chunks.empty() && chunks[0].due <= Clock::now(); }
  [[nodiscard]] bool is_done() const { return has_ended && chunks.empty(); }

  // What can be read now; empty at the end.
  std::string read(int fd) {
    std::string bytes(64 * 1024, '\0');
    const ssize_t got = ::recv(fd, bytes.data(), bytes.size(), 0);
    if (got == 0 || (got < 0 && errno != EAGAIN)) has_ended = true;
    bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return bytes;
  }
  void add(std::string bytes, std::chrono::milliseconds delay) {
    if (bytes.empty()) return;
    held += bytes.size();
    chunks.push_back({std::move(bytes), Clock::now() + delay});
  }
  void write(int fd) {
    while (may_write()) {
      std::string& bytes = chunks.front().bytes;
      const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0) {
        if (errno == EAGAIN) return;
        has_ended = true;
        chunks.clear();
        return;
      }
      held -= static_cast<std::size_t>(sent);
      bytes.erase(0, static_cast<std::size_t>(sent));
      if (bytes.empty()) chunks.pop_front();
    }
  }

  std::deque<Chunk> chunks;
  std::size_t held = 0;
  bool has_ended = false;
};

struct RedisProxy::Link {
  net::Fd client;
  net::Fd server;
  Flow up;
  Flow down;
  redis::ReplyReader requests;  // a request has the form of a reply
  bool has_readable_requests = true;
  std::optional<redis::ReplyReader> doomed;  // reads the reply that is thrown away
  bool is_done = false;
};

RedisProxy::RedisProxy(const TestRedis& server) : server_(server) {
  constexpr int kBacklog = 128;
  listener_ = net::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  wake_ = net::Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      ::listen(listener_.get(), kBacklog) != 0 ||
      ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0)
    throw std::runtime_error("cannot listen on 127.0.0.1");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

RedisProxy::~RedisProxy() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake();
  thread_.join();
}

std::string RedisProxy::url(int database) const {
  std::string url = server_.url(database);
  const std::string from = ":" + std::to_string(server_.port()) + "/";
  return url.replace(url.rfind(from), from.size(), ":" + std::to_string(port_) + "/");
}

void RedisProxy::wake() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
}

void RedisProxy::set_mode(Mode mode) {
  {
    const std::lock_guard lock(mutex_);
    mode_ = mode;
    if (mode == Mode::kPass) {
      delay_ = std::chrono::milliseconds(0);
      swallows_next_ = false;
    }
    if (mode == Mode::kRefuse) close_all();
    ++generation_;
  }
  wake();
}

// While the thread polls them, closing alone would end the connections only when it returns.
void RedisProxy::close_all() {
  for (const auto& link : links_) {
    ::shutdown(link->client.get(), SHUT_RDWR);
    ::shutdown(link->server.get(), SHUT_RDWR);
  }
  links_.clear();
  ++generation_;
}

void RedisProxy::pass() {
  set_mode(Mode::kPass);
}
void RedisProxy::refuse() {
  set_mode(Mode::kRefuse);
}
void RedisProxy::freeze() {
  set_mode(Mode::kFreeze);
}
void RedisProxy::swallow_replies() {
  set_mode(Mode::kSwallow);
}

void RedisProxy::delay(std::chrono::milliseconds time) {
  const std::lock_guard lock(mutex_);
  delay_ = time;
}

void RedisProxy::cut() {
  {
    const std::lock_guard lock(mutex_);
    close_all();
  }
  wake();
}

void RedisProxy::swallow_next_reply() {
  const std::lock_guard lock(mutex_);
  swallows_next_ = true;
}

std::size_t RedisProxy::accepted() const {
  const std::lock_guard lock(mutex_);
  return accepted_;
}

void RedisProxy::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const short nothing = 0;
    std::vector<pollfd> polled = {{listener_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    if (mode_ != Mode::kFreeze) {
      for (const auto& link : links_) {
        // Without events a descriptor would still report its hang-up, again and again.
        const auto add = [&polled](int fd, int events) {
          polled.push_back({events != 0 ? fd : -1, static_cast<short>(events), 0});
        };
        add(link->client.get(), (link->up.may_read() ? POLLIN : nothing) |
                                    (link->down.may_write() ? POLLOUT : nothing));
        add(link->server.get(), (link->down.may_read() ? POLLIN : nothing) |
                                    (link->up.may_write() ? POLLOUT : nothing));
      }
    }
    const std::size_t generation = generation_;
    const int patience = milliseconds_to_wait();
    lock.unlock();
    ::poll(polled.data(), polled.size(), patience);
    lock.lock();
    std::uint64_t ignored = 0;
    [[maybe_unused]] const ssize_t got = ::read(wake_.get(), &ignored, sizeof ignored);
    if (generation != generation_) continue;
    for (std::size_t i = 2; i < polled.size(); i += 2)
      serve(*links_[i / 2 - 1], polled[i].revents, polled[i + 1].revents);
    std::erase_if(links_, [](const auto& link) { return link->is_done; });
    if (polled[0].revents != 0) accept_one();
  }
  links_.clear();
}

int RedisProxy::milliseconds_to_wait() const {
  if (mode_ == Mode::kFreeze) return -1;
  std::optional<Clock::time_point> next;
  for (const auto& link : links_) {
    if (link->down.chunks.empty() || link->down.may_write()) continue;
    next = std::min(next.value_or(Clock::time_point::max()), link->down.chunks[0].due);
  }
  if (!next) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::now());
  return static_cast<int>(std::max<std::int64_t>(0, left.count()));
}

void RedisProxy::accept_one() {
  net::Fd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!client) return;
  ++accepted_;
  if (mode_ == Mode::kRefuse) return;
  net::Fd server(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(server_.port());
  if (::connect(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return;
  make_ready(client.get());
  make_ready(server.get());
  auto link = std::make_unique<Link>();
  link->client = std::move(client);
  link->server = std::move(server);
  links_.push_back(std::move(link));
}

void RedisProxy::serve(Link& link, short client_events, short server_events) {
  if (client_events != 0 && link.up.may_read()) {
    std::string bytes = link.up.read(link.client.get());
    look_at_requests(link, bytes);
    link.up.add(std::move(bytes), std::chrono::milliseconds(0));
  }
  if (server_events != 0 && link.down.may_read())
    take_reply(link, link.down.read(link.server.get()));
  link.up.write(link.server.get());
  link.down.write(link.client.get());
  if (link.up.is_done() || link.down.is_done()) link.is_done = true;
}

void RedisProxy::look_at_requests(Link& link, const std::string& bytes) {
  if (!link.has_readable_requests || bytes.empty()) return;
  link.has_readable_requests = link.requests.feed(bytes).has_value();
  while (link.has_readable_requests) {
    const auto request = link.requests.next();
    link.has_readable_requests = request.has_value();  // not so with TLS
    if (!request || !*request) return;
    const bool is_ours =
        !(*request)->array().empty() && !is_greeting((*request)->array().front().text());
    if (is_ours && std::exchange(swallows_next_, false)) link.doomed.emplace();
  }
}

void RedisProxy::take_reply(Link& link, std::string bytes) {
  if (link.doomed) {
    const auto fed = link.doomed->feed(bytes);
    const auto reply = link.doomed->next();
    if (!fed || !reply || *reply) link.is_done = true;
    return;
  }
  if (mode_ != Mode::kSwallow) link.down.add(std::move(bytes), delay_);
}

}  // namespace patient_http::test
