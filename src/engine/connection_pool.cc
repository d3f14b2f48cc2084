#include "engine/connection_pool.h"

#include <utility>

#include "engine/connection_pool_dial.h"
#include "engine/http1_connection.h"

namespace patient_http::engine {

namespace {

constexpr std::size_t kReadSize = 64 * 1024;
constexpr int kClosedAtOnce = 16;
// Origins of which it is remembered what they speak.
constexpr std::size_t kMostRemembered = 10'000;

}  // namespace

ConnectionPool::ConnectionPool(net::EventLoop& loop, net::Resolver& resolver,
                               const net::TlsContext& tls, ConnectionPoolOptions options)
    : loop_(loop),
      options_(std::move(options)),
      dial_context_{loop, resolver, tls, options_.proxies},
      buffers_{.read = std::vector<char>(kReadSize)},
      memory_(kMostRemembered),
      expiry_([this] { close_expired(); }),
      dispatch_([this] { run_due(); }) {}

ConnectionPool::~ConnectionPool() = default;

std::size_t ConnectionPool::KeyHash::operator()(const Key& key) const {
  return OriginHash()(key.origin) ^ std::hash<const AddressPolicy*>()(key.policy);
}

HttpConnection* ConnectionPool::find_free(const base::Origin& origin, const AddressPolicy* policy) {
  const auto found = origins_.find({origin, policy});
  // Nobody overtakes those who wait.
  if (found == origins_.end() || !found->second.queue.empty()) return nullptr;
  return take_free(found->second);
}

void ConnectionPool::connect(const base::Origin& origin, Waiter& waiter,
                             const AddressPolicy* policy) {
  OriginState& state = origins_[{origin, policy}];
  state.origin = origin;
  state.policy = policy;
  Waiting& waiting = waiting_[&waiter];
  waiting.origin = &state;
  waiting.in_queue = state.queue.insert(state.queue.end(), &waiter);
  open_more(state);
}

void ConnectionPool::give_up(Waiter& waiter) {
  const auto found = waiting_.find(&waiter);
  if (found == waiting_.end()) return;
  OriginState& state = *found->second.origin;
  // It may be in a call right now: destroyed later.
  if (auto dial = end_wait(waiter)) ended_dials_.push_back(std::move(dial));
  look_after(state);
}

// Takes `waiter` out of the queue, or its dial from it.
std::unique_ptr<ConnectionPool::Dial> ConnectionPool::end_wait(Waiter& waiter) {
  const auto found = waiting_.find(&waiter);
  Waiting& waiting = found->second;
  std::unique_ptr<Dial> dial = std::move(waiting.dial);
  if (dial) {
    dial->give_up();
    waiting.origin->dials.remove(dial.get());
  } else {
    waiting.origin->queue.erase(waiting.in_queue);
  }
  waiting_.erase(found);
  return dial;
}

const ConnectionPool::Dial* ConnectionPool::dial_for(const Waiter& waiter) const {
  const Waiting& waiting = waiting_.at(&waiter);
  if (waiting.dial) return waiting.dial.get();
  const OriginState& state = *waiting.origin;
  return state.open > 0 || state.dials.empty() ? nullptr : state.dials.front();
}

std::optional<DialPhase> ConnectionPool::phase_of(const Waiter& waiter) const {
  const Dial* dial = dial_for(waiter);
  return dial != nullptr ? std::optional(dial->phase()) : std::nullopt;
}

std::optional<net::TimePoint> ConnectionPool::dialing_since(const Waiter& waiter) const {
  const Dial* dial = dial_for(waiter);
  return dial != nullptr ? std::optional(dial->began_at()) : std::nullopt;
}

std::string ConnectionPool::peer_of(const Waiter& waiter) const {
  const Dial* dial = dial_for(waiter);
  return dial != nullptr ? dial->peer() : std::string();
}

void ConnectionPool::dial_succeeded(Dial& dial, net::Stream stream, net::Watch watch,
                                    const std::string& peer) {
  Waiter* waiter = dial.waiter();
  if (waiter == nullptr) {
    watch.reset();
    return;
  }
  OriginState& state = dial.origin();
  const bool wants_http2 = options_.protocol == HttpProtocol::kHttp2;
  // A plain origin's stream may have TLS with a proxy.
  const bool is_http2 = state.origin.is_tls() ? stream.has_chosen_http2() : wants_http2;
  if (wants_http2 && !is_http2) {
    watch.reset();
    dial_failed(dial, DialPhase::kTls,
                {net::NetFailure::Kind::kTls,
                 "TLS handshake: the server did not choose HTTP/2, which protocol asks for"});
    return;
  }
  HttpConnection& connection = add(state, is_http2, std::move(stream), std::move(watch), peer);
  ended_dials_.push_back(end_wait(*waiter));
  look_after(state);
  waiter->on_connection(connection);
}

HttpConnection& ConnectionPool::add(OriginState& state, bool is_http2, net::Stream stream,
                                    net::Watch watch, std::string peer) {
  auto pooled = std::make_unique<Pooled>();
  pooled->origin = &state;
  auto& owner = static_cast<ConnectionOwner&>(*this);
  std::optional<SpokenProtocol> known = memory_.find(state.origin);
  if (is_http2) {
    const Http2Options options{
        .head_limits = {options_.head_limits.bytes, options_.head_limits.fields},
        .ping_interval = options_.ping_interval,
        .ping_timeout = options_.ping_timeout,
        .may_fall_back = !options_.protocol};
    auto made = std::make_unique<Http2Connection>(
        loop_, std::move(stream), std::move(watch), std::move(peer), options,
        known ? known->stream_limit : std::nullopt, buffers_, owner);
    pooled->http2 = made.get();
    pooled->connection = std::move(made);
    state.shared.push_back(pooled.get());
  } else {
    pooled->connection =
        std::make_unique<Http1Connection>(std::move(stream), std::move(watch), std::move(peer),
                                          options_.head_limits, buffers_.read, owner);
  }
  if (!known) known.emplace();
  known->is_http2 = is_http2;
  memory_.remember(state.origin, *known);
  ++state.open;
  state.failed_dials = 0;
  HttpConnection& connection = *pooled->connection;
  open_[&connection] = std::move(pooled);
  return connection;
}

// One bad dial costs its own waiter alone, so that one bad server among many does not fail all; but
// an origin that is down is not dialled once for each who waits: after some failures in a row they
// all get the last one, unless there are connections that will become free for them.
void ConnectionPool::dial_failed(Dial& dial, DialPhase phase, const net::NetFailure& failure) {
  Waiter* waiter = dial.waiter();
  if (waiter == nullptr) return;
  OriginState& state = dial.origin();
  const std::string peer = dial.peer();
  ended_dials_.push_back(end_wait(*waiter));
  ++state.failed_dials;
  look_after(state);
  // Counted, for who is told may come back at once.
  std::size_t left = 0;
  if (is_down(state) && are_all_slow(state)) {
    left = state.queue.size();
    state.failed_dials = 0;
  }
  waiter->on_dial_failed(phase, failure, peer);
  for (; left > 0 && !state.queue.empty(); --left) {
    Waiter& other = *state.queue.front();
    static_cast<void>(end_wait(other));
    other.on_dial_failed(phase, failure, peer);
  }
}

void ConnectionPool::on_room_changed(HttpConnection& connection) {
  Pooled& pooled = *open_.at(&connection);
  OriginState& state = *pooled.origin;
  if (pooled.http2 != nullptr) {
    const auto limit = pooled.http2->stream_limit();
    if (limit != std::exchange(pooled.stream_limit, limit) && !pooled.is_draining) {
      memory_.remember(state.origin, {.is_http2 = true, .stream_limit = limit});
    }
  }
  if (!state.queue.empty() || !state.dials.empty()) look_after(state);
  if (connection.is_idle() && !pooled.is_idle && !pooled.is_draining) make_idle(pooled);
}

void ConnectionPool::on_draining(HttpConnection& connection) {
  Pooled& pooled = *open_.at(&connection);
  if (pooled.is_idle) remove_idle(pooled);
  pooled.is_draining = true;
  pooled.origin->shared.remove(&pooled);
  look_after(*pooled.origin);
}

void ConnectionPool::on_http1_required(HttpConnection& connection) {
  memory_.remember(open_.at(&connection)->origin->origin, {.is_http2_unwanted = true});
}

void ConnectionPool::on_connection_closed(HttpConnection& connection) {
  const auto found = open_.find(&connection);
  Pooled& pooled = *found->second;
  if (pooled.is_idle) remove_idle(pooled);
  if (pooled.http2 != nullptr) pooled.origin->shared.remove(&pooled);
  --pooled.origin->open;
  look_after(*pooled.origin);
  closed_.push_back(std::move(found->second));
  open_.erase(found);
}

void ConnectionPool::make_idle(Pooled& pooled) {
  pooled.is_idle = true;
  pooled.idle_since = loop_.now();
  pooled.in_all = idle_.insert(idle_.end(), &pooled);
  IdleList& of_origin = pooled.origin->idle;
  if (of_origin.empty()) ++idle_origins_;
  pooled.in_origin = of_origin.insert(of_origin.end(), &pooled);
  while (idle_.size() > options_.max_idle || idle_origins_ > options_.max_origins) evict_oldest();
  if (!expiry_.is_set()) set_expiry_timer();
}

void ConnectionPool::remove_idle(Pooled& pooled) {
  pooled.is_idle = false;
  idle_.erase(pooled.in_all);
  IdleList& of_origin = pooled.origin->idle;
  of_origin.erase(pooled.in_origin);
  if (of_origin.empty()) --idle_origins_;
}

void ConnectionPool::evict_oldest() {
  idle_.front()->connection->close();
}

void ConnectionPool::close_expired() {
  // Thousands may have become idle at the same moment; the timer comes back for the rest.
  for (int i = 0; i < kClosedAtOnce && !idle_.empty() &&
                  idle_.front()->idle_since + options_.idle_lifetime <= loop_.now();
       ++i) {
    evict_oldest();
  }
  set_expiry_timer();
}

void ConnectionPool::set_expiry_timer() {
  if (idle_.empty()) return;
  loop_.timers().set(expiry_, idle_.front()->idle_since + options_.idle_lifetime);
}

void ConnectionPool::close_idle() {
  while (!idle_.empty()) evict_oldest();
}

void ConnectionPool::collect() {
  closed_.clear();
  ended_dials_.clear();
}

}  // namespace patient_http::engine
