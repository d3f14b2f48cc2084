#include "drivers/net/dialer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>

namespace patient_http::net {

namespace {

void set_option(int fd, int level, int option, int value) {
  setsockopt(fd, level, option, &value, sizeof value);
}

// Minutes of silence must survive the tables of middleboxes, and a peer that vanished must be
// noticed: a probe after 60 s, then every 15 s, and four without an answer end the connection.
void set_keep_alive(int fd) {
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 15);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
}

}  // namespace

Dialer::Dialer(EventLoop& loop, Resolver& resolver, const TlsContext* tls, Listener& listener)
    : loop_(loop), resolver_(resolver), tls_(tls), listener_(listener), step_([this] {
        try_next_address();
      }) {}

Dialer::~Dialer() {
  if (resolving_) resolver_.forget(*this);
}

void Dialer::dial(DialTarget target) {
  target_ = std::move(target);
  if (auto address = Address::parse(target_.host, target_.port)) {
    addresses_.push_back(*address);
    phase_ = DialPhase::kConnect;
    loop_.timers().set(step_, loop_.now());
    return;
  }
  resolving_ = true;
  resolver_.resolve(target_.host, *this);
}

void Dialer::on_resolved(const std::vector<Address>& addresses) {
  resolving_ = false;
  addresses_ = addresses;
  for (Address& address : addresses_) address.set_port(target_.port);
  phase_ = DialPhase::kConnect;
  try_next_address();
}

void Dialer::on_resolve_failed(const NetFailure& failure) {
  resolving_ = false;
  fail(failure);
}

void Dialer::try_next_address() {
  if (next_ == addresses_.size()) {
    NetFailure failure =
        last_failure_.value_or(NetFailure{NetFailure::Kind::kResolve, "no address"});
    if (addresses_.size() > 1) {
      failure.message += " (the last of " + std::to_string(addresses_.size()) + " addresses)";
    }
    fail(std::move(failure));
    return;
  }
  start_connect(addresses_[next_++]);
}

void Dialer::start_connect(const Address& address) {
  phase_ = DialPhase::kConnect;
  peer_ = address;
  Fd socket(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) {
    address_failed(failure_of_errno(errno, "socket"));
    return;
  }
  set_option(socket.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  set_keep_alive(socket.get());
  const int fd = socket.get();
  stream_.emplace(std::move(socket));
  if (::connect(fd, address.get(), address.length()) != 0 && errno != EINPROGRESS) {
    address_failed(failure_of_errno(errno, "connect"));
    return;
  }
  try {
    watch_ = loop_.watch(fd, {.read = false, .write = true}, *this);
  } catch (const std::system_error& error) {
    address_failed(failure_of_errno(error.code().value(), "watch a socket"));
  }
}

void Dialer::on_ready(Interest) {
  if (phase_ == DialPhase::kConnect) {
    check_connect();
  } else {
    continue_handshake();
  }
}

void Dialer::check_connect() {
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(stream_->fd(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  if (error != 0) {
    address_failed(failure_of_errno(error, "connect"));
    return;
  }
  if (tls_ != nullptr) {
    phase_ = DialPhase::kTls;
    if (!stream_->start_tls(*tls_, target_.host, target_.alpn)) {
      fail(stream_->last_failure());
      return;
    }
    continue_handshake();
    return;
  }
  watch_.set({.read = true, .write = false});
  listener_.on_connected(std::move(*stream_), std::move(watch_), *peer_);
}

void Dialer::continue_handshake() {
  switch (stream_->handshake()) {
    case IoStatus::kDone:
      watch_.set({.read = true, .write = false});
      listener_.on_connected(std::move(*stream_), std::move(watch_), *peer_);
      return;
    case IoStatus::kWantRead:
      watch_.set({.read = true, .write = false});
      return;
    case IoStatus::kWantWrite:
      watch_.set({.read = false, .write = true});
      return;
    case IoStatus::kEnd:
      fail({NetFailure::Kind::kClosed, "TLS handshake: the peer closed the connection"});
      return;
    case IoStatus::kFailed:
      fail(stream_->last_failure());
      return;
  }
}

// The next address may do better; a failed handshake is final, since it would fail there too.
void Dialer::address_failed(NetFailure failure) {
  watch_.reset();
  stream_.reset();
  last_failure_ = std::move(failure);
  loop_.timers().set(step_, loop_.now());
}

void Dialer::fail(NetFailure failure) {
  const DialPhase phase = phase_;
  watch_.reset();
  stream_.reset();
  listener_.on_dial_failed(phase, std::move(failure));
}

}  // namespace patient_http::net
