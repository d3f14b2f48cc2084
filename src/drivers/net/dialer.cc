#include "drivers/net/dialer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
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

// RFC 8305 recommends it: time for an answer from another continent.
constexpr std::chrono::milliseconds kAttemptDelay{250};
constexpr std::size_t kAttemptsAtOnce = 4;
// When so many are under way the oldest makes room after this long: its first packet was sent
// three times by then.
constexpr std::chrono::seconds kPatience{4};
constexpr std::size_t kMostAddresses = 16;
constexpr std::size_t kLongestHistory = 200;  // bytes

Result<Fd, NetFailure> open_socket(int family) {
  Fd socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return unexpected(failure_of_errno(errno, "socket"));
  set_option(socket.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  set_keep_alive(socket.get());
  return socket;
}

}  // namespace

// One address, being connected to.
struct Dialer::Attempt final : ReadyHandler {
  Attempt(Dialer& the_dialer, Fd socket, const Address& the_address)
      : dialer(the_dialer), address(the_address), stream(std::move(socket)) {}

  void on_ready(Interest) override {
    if (dialer.phase_ == DialPhase::kTls) {
      dialer.continue_handshake(*this);
    } else {
      dialer.check_connect(*this);
    }
  }

  Dialer& dialer;
  Address address;
  TimePoint started;
  Stream stream;
  Watch watch;  // goes before the stream
};

Dialer::Dialer(EventLoop& loop, Resolver& resolver, const TlsContext* tls, Listener& listener,
               const AddressGate* gate)
    : loop_(loop), resolver_(resolver), tls_(tls), listener_(listener), gate_(gate), step_([this] {
        step();
      }) {}

Dialer::~Dialer() {
  if (resolving_) resolver_.forget(*this);
}

void Dialer::dial(DialTarget target) {
  target_ = std::move(target);
  if (auto address = Address::parse(target_.host, target_.port)) {
    begin({*address});
    return;
  }
  resolving_ = true;
  resolver_.resolve(target_.host, *this);
}

void Dialer::on_resolved(const std::vector<Address>& addresses) {
  resolving_ = false;
  begin(addresses);
}

void Dialer::on_resolve_failed(const NetFailure& failure) {
  resolving_ = false;
  fail(failure);
}

void Dialer::begin(std::vector<Address> addresses) {
  addresses_ = std::move(addresses);
  for (Address& address : addresses_) address.set_port(target_.port);
  judge_addresses();
  found_ = addresses_.size();
  if (found_ > kMostAddresses) {
    addresses_.erase(addresses_.begin() + kMostAddresses, addresses_.end());
  }
  phase_ = DialPhase::kConnect;
  loop_.timers().set(step_, loop_.now());
}

void Dialer::judge_addresses() {
  if (gate_ == nullptr) return;
  for (const Address& address : addresses_) {
    auto why = gate_->refusal(target_.host, address);
    if (!why) continue;
    if (addresses_.size() > 1) {
      *why += "; with one such address among " + std::to_string(addresses_.size()) +
              " the name is refused as a whole";
    }
    denial_ = NetFailure{NetFailure::Kind::kDenied, std::move(*why)};
    return;
  }
}

void Dialer::step() {
  if (denial_) {
    fail(std::move(*denial_));
    return;
  }
  if (next_ == addresses_.size()) {
    if (attempts_.empty()) fail_with_last();
    return;
  }
  if (attempts_.size() == kAttemptsAtOnce) {
    address_failed(attempts_.front()->address, failure_of_errno(ETIMEDOUT, "connect"));
    attempts_.erase(attempts_.begin());
  }
  start_attempt(addresses_[next_++]);
}

void Dialer::set_step() {
  if (next_ == addresses_.size()) {
    loop_.timers().cancel(step_);
  } else if (attempts_.size() == kAttemptsAtOnce) {
    loop_.timers().set(step_, attempts_.front()->started + kPatience);
  } else {
    loop_.timers().set(step_, loop_.now() + kAttemptDelay);
  }
}

void Dialer::start_attempt(const Address& address) {
  peer_ = address;
  auto socket = open_socket(address.family());
  if (!socket) {
    address_failed(address, std::move(socket.error()));
    return;
  }
  const int fd = socket->get();
  auto attempt = std::make_unique<Attempt>(*this, std::move(*socket), address);
  if (::connect(fd, address.get(), address.length()) != 0 && errno != EINPROGRESS) {
    address_failed(address, failure_of_errno(errno, "connect"));
    return;
  }
  try {
    attempt->watch = loop_.watch(fd, {.read = false, .write = true}, *attempt);
  } catch (const std::system_error& error) {
    address_failed(address, failure_of_errno(error.code().value(), "watch a socket"));
    return;
  }
  attempt->started = loop_.now();
  attempts_.push_back(std::move(attempt));
  set_step();
}

void Dialer::check_connect(Attempt& attempt) {
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(attempt.stream.fd(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  if (error != 0) {
    attempt_failed(attempt, failure_of_errno(error, "connect"));
    return;
  }
  // The others have lost.
  std::erase_if(attempts_, [&](const auto& other) { return other.get() != &attempt; });
  loop_.timers().cancel(step_);
  peer_ = attempt.address;
  if (!attempt.address.has_ip_of(addresses_.front())) {
    resolver_.prefer(target_.host, attempt.address);
  }
  if (tls_ == nullptr) {
    connected(attempt);
    return;
  }
  phase_ = DialPhase::kTls;
  if (!attempt.stream.start_tls(*tls_, target_)) {
    fail(attempt.stream.last_failure());
    return;
  }
  continue_handshake(attempt);
}

void Dialer::continue_handshake(Attempt& attempt) {
  switch (attempt.stream.handshake()) {
    case IoStatus::kDone:
      connected(attempt);
      return;
    case IoStatus::kWantRead:
      attempt.watch.set({.read = true, .write = false});
      return;
    case IoStatus::kWantWrite:
      attempt.watch.set({.read = false, .write = true});
      return;
    case IoStatus::kEnd:
      handshake_failed(
          attempt, {NetFailure::Kind::kClosed, "TLS handshake: the peer closed the connection"});
      return;
    case IoStatus::kFailed:
      handshake_failed(attempt, attempt.stream.last_failure());
      return;
  }
}

// A balancer may accept connections for a server that is down: the next address may do better. What
// TLS itself refuses would be refused there too.
void Dialer::handshake_failed(Attempt& attempt, NetFailure failure) {
  const bool was_cut =
      failure.kind == NetFailure::Kind::kReset || failure.kind == NetFailure::Kind::kClosed;
  if (!was_cut || next_ == addresses_.size()) {
    fail(std::move(failure));
    return;
  }
  phase_ = DialPhase::kConnect;
  attempt_failed(attempt, std::move(failure));
}

void Dialer::attempt_failed(Attempt& attempt, NetFailure failure) {
  address_failed(attempt.address, std::move(failure));
  std::erase_if(attempts_, [&](const auto& entry) { return entry.get() == &attempt; });
}

// The next address follows at once; when there is none, whatever is still under way.
void Dialer::address_failed(const Address& address, NetFailure failure) {
  if (last_failure_) note_earlier_failure();
  last_failure_ = std::move(failure);
  failed_at_ = address;
  loop_.timers().set(step_, loop_.now());
}

void Dialer::note_earlier_failure() {
  if (earlier_failures_.size() >= kLongestHistory) return;
  earlier_failures_ += earlier_failures_.empty() ? "; before it " : ", ";
  earlier_failures_ += failed_at_->text() + " " + last_failure_->message;
  if (earlier_failures_.size() >= kLongestHistory) earlier_failures_ += ", …";
}

void Dialer::connected(Attempt& attempt) {
  attempt.watch.set({.read = true, .write = false});
  // The listener may destroy the dialer.
  const std::unique_ptr<Attempt> winner = std::move(attempts_.front());
  attempts_.clear();
  listener_.on_connected(std::move(winner->stream), std::move(winner->watch), winner->address);
}

void Dialer::fail_with_last() {
  NetFailure failure = *last_failure_;
  peer_ = failed_at_;
  if (addresses_.size() > 1) {
    failure.message += " (the last of " + std::to_string(addresses_.size());
    if (found_ > addresses_.size()) failure.message += " tried, of " + std::to_string(found_);
    failure.message += " addresses" + earlier_failures_ + ")";
  }
  fail(std::move(failure));
}

void Dialer::fail(NetFailure failure) {
  const DialPhase phase = phase_;
  loop_.timers().cancel(step_);
  attempts_.clear();
  listener_.on_dial_failed(phase, std::move(failure));
}

}  // namespace patient_http::net
