#include "engine/origin_dialer.h"

#include <array>
#include <utility>

#include "drivers/crypto/wipe.h"
#include "drivers/http1/request_head.h"

namespace patient_http::engine {

namespace {

constexpr http1::HeadLimits kAnswerLimits{.bytes = 16 * 1024, .fields = 100};

std::string host_and_port(const std::string& host, std::uint16_t port) {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

DialPhase phase_of(net::DialPhase phase) {
  switch (phase) {
    case net::DialPhase::kResolve:
      return DialPhase::kResolve;
    case net::DialPhase::kConnect:
      return DialPhase::kConnect;
    case net::DialPhase::kTls:
      return DialPhase::kTls;
  }
  return DialPhase::kConnect;
}

// What a server error says may pass; that the proxy does not want us does not.
net::NetFailure refusal(int status) {
  const bool may_pass = status >= 500;
  std::string message = "the proxy answered " + std::to_string(status) + " to CONNECT";
  if (status == 407 || status == 401) message += ": check the credentials in proxy_url";
  if (may_pass) message += ": it has no connection to the origin";
  return {may_pass ? net::NetFailure::Kind::kOther : net::NetFailure::Kind::kProxy,
          std::move(message)};
}

}  // namespace

std::string_view to_string(DialPhase phase) {
  switch (phase) {
    case DialPhase::kResolve:
      return "resolve";
    case DialPhase::kConnect:
      return "connect";
    case DialPhase::kProxy:
      return "proxy";
    case DialPhase::kTls:
      return "tls";
  }
  return "connect";
}

OriginDialer::OriginDialer(const DialContext& context, Listener& listener)
    : context_(context), listener_(listener) {}

void OriginDialer::dial(const base::Origin& origin, net::Alpn alpn, const net::AddressGate* gate) {
  target_ = {.host = origin.host, .port = origin.port, .alpn = alpn};
  is_tls_ = origin.is_tls();
  if (context_.proxies != nullptr) route_ = context_.proxies->route_of(origin);
  auto& listener = static_cast<net::Dialer::Listener&>(*this);
  const bool is_direct = route_.proxy == nullptr;
  const base::Origin& next = is_direct ? origin : route_.proxy->origin;
  phase_ = is_direct ? DialPhase::kResolve : DialPhase::kProxy;
  dialer_.emplace(context_.loop, context_.resolver, next.is_tls() ? &context_.tls : nullptr,
                  listener, is_direct ? gate : nullptr);
  dialer_->dial(is_direct ? target_ : net::TlsPeer{.host = next.host, .port = next.port});
}

DialPhase OriginDialer::phase() const {
  const bool is_direct = route_.proxy == nullptr;
  return is_direct && dialer_ ? phase_of(dialer_->phase()) : phase_;
}

std::string OriginDialer::peer() const {
  if (step_ == Step::kTunnel) {
    return host_and_port(target_.host, target_.port) + " through the proxy " + proxy_peer_;
  }
  return dialer_ && dialer_->peer() ? dialer_->peer()->text() : std::string();
}

void OriginDialer::on_connected(net::Stream stream, net::Watch watch, const net::Address& peer) {
  switch (route_.kind) {
    case Route::Kind::kDirect:
      listener_.on_connected(std::move(stream), std::move(watch), peer.text());
      return;
    case Route::Kind::kForward:
      listener_.on_connected(std::move(stream), std::move(watch), "the proxy " + peer.text());
      return;
    case Route::Kind::kTunnel:
      break;
  }
  proxy_peer_ = peer.text();
  stream_.emplace(std::move(stream));
  watch_ = std::move(watch);
  watch_.hand_to(*this);
  ask_for_tunnel();
}

void OriginDialer::on_dial_failed(net::DialPhase phase, net::NetFailure failure) {
  listener_.on_dial_failed(route_.proxy == nullptr ? phase_of(phase) : DialPhase::kProxy,
                           std::move(failure));
}

void OriginDialer::ask_for_tunnel() {
  step_ = Step::kAsk;
  const std::string place = host_and_port(target_.host, target_.port);
  const std::string& authorization = route_.proxy->authorization;
  constexpr std::size_t kRest = 100;
  http1::RequestHead head("CONNECT", place, 2 * place.size() + authorization.size() + kRest);
  head.add("host", place);
  if (!authorization.empty()) head.add("proxy-authorization", authorization);
  head_ = std::move(head).finish();
  parser_.emplace(kAnswerLimits);
  write_some();
}

void OriginDialer::write_some() {
  while (sent_ < head_.size()) {
    const net::IoResult result = stream_->write(std::string_view(head_).substr(sent_));
    switch (result.status) {
      case net::IoStatus::kDone:
        sent_ += result.bytes;
        continue;
      case net::IoStatus::kWantRead:
        watch_.set({.read = true, .write = false});
        return;
      case net::IoStatus::kWantWrite:
        watch_.set({.read = false, .write = true});
        return;
      default:
        crypto::wipe(head_);
        fail(stream_->last_failure());
        return;
    }
  }
  crypto::wipe(head_);
  watch_.set({.read = true, .write = false});
}

// One byte at a time: what follows the head is the origin's, and there is no way to put it back.
void OriginDialer::read_answer() {
  std::array<char, 1> byte;
  while (!head_is_read_) {
    const net::IoResult result = stream_->read(byte);
    if (result.status == net::IoStatus::kWantRead || result.status == net::IoStatus::kWantWrite) {
      return;
    }
    if (result.status == net::IoStatus::kFailed) {
      fail(stream_->last_failure());
      return;
    }
    if (result.status == net::IoStatus::kEnd) {
      fail({net::NetFailure::Kind::kClosed, "the proxy closed the connection after CONNECT"});
      return;
    }
    const auto fed = parser_->feed({byte.data(), byte.size()}, *this);
    if (!fed && !head_is_read_) {
      fail({net::NetFailure::Kind::kProxy,
            "the answer to CONNECT is not HTTP: " + fed.error().message});
      return;
    }
  }
  answered();
}

void OriginDialer::on_head_end(std::int64_t) {
  head_is_read_ = true;
  parser_->stop();
}

void OriginDialer::answered() {
  if (status_ < 200 || status_ > 299) {
    fail(refusal(status_));
    return;
  }
  step_ = Step::kTunnel;
  parser_.reset();
  if (!is_tls_) {
    connected();
    return;
  }
  phase_ = DialPhase::kTls;
  if (!stream_->start_tls(context_.tls, target_)) {
    fail(stream_->last_failure());
    return;
  }
  continue_handshake();
}

void OriginDialer::continue_handshake() {
  switch (stream_->handshake()) {
    case net::IoStatus::kDone:
      connected();
      return;
    case net::IoStatus::kWantRead:
      watch_.set({.read = true, .write = false});
      return;
    case net::IoStatus::kWantWrite:
      watch_.set({.read = false, .write = true});
      return;
    case net::IoStatus::kEnd:
      fail({net::NetFailure::Kind::kClosed, "TLS handshake: the peer closed the connection"});
      return;
    case net::IoStatus::kFailed:
      fail(stream_->last_failure());
      return;
  }
}

void OriginDialer::on_ready(net::Interest) {
  if (step_ == Step::kTunnel) {
    continue_handshake();
  } else if (sent_ < head_.size()) {
    write_some();
  } else {
    read_answer();
  }
}

void OriginDialer::connected() {
  watch_.set({.read = true, .write = false});
  const std::string whom = peer();
  listener_.on_connected(std::move(*stream_), std::move(watch_), whom);
}

void OriginDialer::fail(net::NetFailure failure) {
  watch_.reset();
  listener_.on_dial_failed(phase_, std::move(failure));
}

}  // namespace patient_http::engine
