#include "engine/connection_pool.h"

#include <utility>

namespace patient_http::engine {

namespace {

// One read's worth; shared by all connections, so that a waiting one costs no buffer.
constexpr std::size_t kScratchSize = 64 * 1024;
constexpr int kClosedAtOnce = 16;

}  // namespace

// A connection being opened for one waiter.
class ConnectionPool::Dial final : private OriginDialer::Listener {
 public:
  Dial(ConnectionPool& pool, base::Origin origin, Waiter& waiter)
      : pool_(pool),
        origin_(std::move(origin)),
        waiter_(&waiter),
        dialer_(pool.dial_context_, *this) {
    dialer_.dial(origin_);
  }

  [[nodiscard]] const base::Origin& origin() const { return origin_; }
  // Null once it is given up: what it still reports is dropped.
  [[nodiscard]] Waiter* waiter() const { return waiter_; }
  void give_up() { waiter_ = nullptr; }
  [[nodiscard]] DialPhase phase() const { return dialer_.phase(); }
  [[nodiscard]] std::string peer() const { return dialer_.peer(); }

 private:
  void on_connected(net::Stream stream, net::Watch watch, const std::string& peer) override {
    pool_.dial_succeeded(*this, std::move(stream), std::move(watch), peer);
  }
  void on_dial_failed(DialPhase phase, net::NetFailure failure) override {
    pool_.dial_failed(*this, phase, failure);
  }

  ConnectionPool& pool_;
  base::Origin origin_;
  Waiter* waiter_;
  OriginDialer dialer_;
};

std::size_t ConnectionPool::OriginHash::operator()(const base::Origin& origin) const {
  return std::hash<std::string>()(origin.host) ^ (std::size_t{origin.port} << 1) ^
         (origin.is_tls() ? 1U : 0U);
}

ConnectionPool::ConnectionPool(net::EventLoop& loop, net::Resolver& resolver,
                               const net::TlsContext& tls, ConnectionPoolOptions options)
    : loop_(loop),
      options_(options),
      dial_context_{loop, resolver, tls, options.proxies},
      scratch_(kScratchSize),
      expiry_([this] { close_expired(); }) {}

ConnectionPool::~ConnectionPool() = default;

HttpConnection* ConnectionPool::take_idle(const base::Origin& origin) {
  for (;;) {
    const auto it = idle_by_origin_.find(origin);
    if (it == idle_by_origin_.end()) return nullptr;
    Pooled& pooled = *it->second.back();
    // The timer may be late: an executor that was not used for long turns its loop no sooner.
    const bool is_expired = pooled.idle_since + options_.idle_lifetime <= loop_.now();
    if (!is_expired && pooled.connection->is_fresh()) {
      remove_idle(pooled);
      return pooled.connection.get();
    }
    pooled.connection->close();
  }
}

void ConnectionPool::connect(const base::Origin& origin, Waiter& waiter) {
  dials_[&waiter] = std::make_unique<Dial>(*this, origin, waiter);
}

void ConnectionPool::give_up(Waiter& waiter) {
  const auto it = dials_.find(&waiter);
  if (it == dials_.end()) return;
  // It may be in a call right now: destroyed later.
  it->second->give_up();
  ended_dials_.push_back(std::move(it->second));
  dials_.erase(it);
}

DialPhase ConnectionPool::phase_of(const Waiter& waiter) const {
  return dials_.at(&waiter)->phase();
}

std::string ConnectionPool::peer_of(const Waiter& waiter) const {
  return dials_.at(&waiter)->peer();
}

void ConnectionPool::dial_succeeded(Dial& dial, net::Stream stream, net::Watch watch,
                                    const std::string& peer) {
  Waiter* waiter = dial.waiter();
  if (waiter == nullptr) {
    watch.reset();
    return;
  }
  auto pooled = std::make_unique<Pooled>();
  pooled->origin = dial.origin();
  pooled->connection = std::make_unique<Http1Connection>(std::move(stream), std::move(watch), peer,
                                                         options_.head_limits, scratch_,
                                                         static_cast<Http1Owner&>(*this));
  Http1Connection& connection = *pooled->connection;
  open_[&connection] = std::move(pooled);
  give_up(*waiter);
  waiter->on_connection(connection);
}

void ConnectionPool::dial_failed(Dial& dial, DialPhase phase, const net::NetFailure& failure) {
  Waiter* waiter = dial.waiter();
  if (waiter == nullptr) return;
  const std::string peer = dial.peer();
  give_up(*waiter);
  waiter->on_dial_failed(phase, failure, peer);
}

void ConnectionPool::on_connection_idle(Http1Connection& connection) {
  Pooled& pooled = *open_.at(&connection);
  pooled.is_idle = true;
  pooled.idle_since = loop_.now();
  pooled.in_all = idle_.insert(idle_.end(), &pooled);
  IdleList& of_origin = idle_by_origin_[pooled.origin];
  pooled.in_origin = of_origin.insert(of_origin.end(), &pooled);
  while (idle_.size() > options_.max_idle || idle_by_origin_.size() > options_.max_origins) {
    evict_oldest();
  }
  if (!expiry_.is_set()) set_expiry_timer();
}

void ConnectionPool::on_connection_closed(Http1Connection& connection) {
  const auto it = open_.find(&connection);
  if (it->second->is_idle) remove_idle(*it->second);
  closed_.push_back(std::move(it->second));
  open_.erase(it);
}

void ConnectionPool::remove_idle(Pooled& pooled) {
  pooled.is_idle = false;
  idle_.erase(pooled.in_all);
  const auto it = idle_by_origin_.find(pooled.origin);
  it->second.erase(pooled.in_origin);
  if (it->second.empty()) idle_by_origin_.erase(it);
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
