#include "drivers/redis/redis_dial.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <stdexcept>

#include "drivers/net/dialer.h"

namespace patient_http::redis {

namespace {

using net::TimePoint;

class Outcome final : public net::Dialer::Listener {
 public:
  void on_connected(net::Stream stream, net::Watch watch, const net::Address&) override {
    watch.reset();
    result_.emplace(std::move(stream));
  }
  void on_dial_failed(net::DialPhase, net::NetFailure failure) override {
    result_.emplace(unexpected(Failure{std::move(failure.message)}));
  }
  std::optional<Result<net::Stream>>& result() { return result_; }

 private:
  std::optional<Result<net::Stream>> result_;
};

const char* step_of(net::DialPhase phase) {
  switch (phase) {
    case net::DialPhase::kResolve:
      return "the look-up of the name took too long";
    case net::DialPhase::kConnect:
      return "connect: timed out";
    case net::DialPhase::kTls:
      return "TLS handshake: timed out";
  }
  return "timed out";
}

Result<net::Stream> dial_tcp(const RedisAddress& address, const net::TlsContext* tls,
                             TimePoint deadline) {
  try {
    net::EventLoop loop;
    net::Resolver resolver(loop, "");
    Outcome outcome;
    net::Dialer dialer(loop, resolver, tls, outcome);
    dialer.dial({.host = address.host, .port = address.port});
    while (!outcome.result()) {
      if (std::chrono::steady_clock::now() >= deadline) return failure(step_of(dialer.phase()));
      loop.turn(deadline);
    }
    return std::move(*outcome.result());
  } catch (const std::runtime_error& error) {  // no descriptors left, no resolver
    return failure(error.what());
  }
}

// A socket file is connected to at once, or its queue is full, which nothing announces the end of.
Result<net::Stream> dial_socket_file(const std::string& path, TimePoint deadline) {
  constexpr int kPauseMilliseconds = 5;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // REQUIRES: the path fits; parse_redis_url() has seen to it.
  std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
  net::Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return failure(net::failure_of_errno(errno, "socket").message);
  while (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
         0) {
    if (errno != EAGAIN && errno != EINTR)
      return failure(net::failure_of_errno(errno, "connect").message);
    if (std::chrono::steady_clock::now() >= deadline) return failure("connect: timed out");
    ::poll(nullptr, 0, kPauseMilliseconds);
  }
  return net::Stream(std::move(socket));
}

}  // namespace

Result<net::Stream> dial(const RedisAddress& address, const net::TlsContext* tls,
                         TimePoint deadline) {
  if (!address.unix_path.empty()) return dial_socket_file(address.unix_path, deadline);
  return dial_tcp(address, tls, deadline);
}

}  // namespace patient_http::redis
