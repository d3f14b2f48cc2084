// Which waiter of an origin gets which connection, and when another is opened.

#include <algorithm>
#include <utility>

#include "engine/connection_pool.h"
#include "engine/connection_pool_dial.h"

namespace patient_http::engine {

namespace {

// A burst opens connections side by side, but no more than this at a time.
constexpr std::size_t kMostSharedDials = 16;
// Of dials that are slow another is opened beside them, up to so many.
constexpr std::size_t kMostRacedDials = 3;
// Of dials that fail one after the other, until all who wait get the failure.
constexpr std::size_t kMostFailedDials = 3;

}  // namespace

// Later in this turn: connections call from inside their own calls.
void ConnectionPool::look_after(OriginState& state) {
  if (std::exchange(state.is_due, true)) return;
  due_.push_back(&state);
  if (!dispatch_.is_set()) loop_.timers().set(dispatch_, loop_.now());
}

void ConnectionPool::run_due() {
  for (OriginState* state : std::exchange(due_, {})) {
    state->is_due = false;
    serve_slow_dials(*state);
    serve_queue(*state);
    open_more(*state);
    const bool is_empty = state->queue.empty() && state->dials.empty() && state->open == 0;
    if (is_empty && !state->is_due) {
      const Key key{state->origin, state->policy};
      origins_.erase(key);
    }
  }
}

// Whose dial is slow takes what others have opened or left; he came before those in the queue.
void ConnectionPool::serve_slow_dials(OriginState& state) {
  const auto is_slow = [](const Dial* dial) { return dial->is_slow(); };
  for (auto slow = std::find_if(state.dials.begin(), state.dials.end(), is_slow);
       slow != state.dials.end();
       slow = std::find_if(state.dials.begin(), state.dials.end(), is_slow)) {
    HttpConnection* connection = take_free(state);
    if (connection == nullptr) return;
    Waiter& waiter = *(*slow)->waiter();
    ended_dials_.push_back(end_wait(waiter));
    waiter.on_connection(*connection);
  }
}

void ConnectionPool::serve_queue(OriginState& state) {
  while (!state.queue.empty()) {
    HttpConnection* connection = take_free(state);
    if (connection == nullptr) return;
    Waiter& waiter = *state.queue.front();
    static_cast<void>(end_wait(waiter));
    waiter.on_connection(*connection);
  }
}

HttpConnection* ConnectionPool::take_free(OriginState& state) {
  // The first that has room: the later ones become idle, and close, when they are not needed.
  for (Pooled* pooled : state.shared) {
    if (!pooled->is_idle && pooled->connection->room() > 0) return pooled->connection.get();
  }
  while (!state.idle.empty()) {
    Pooled& pooled = *state.idle.back();
    // The timer may be late: an executor that was not used for long turns its loop no sooner.
    const bool is_expired = pooled.idle_since + options_.idle_lifetime <= loop_.now();
    HttpConnection& connection = *pooled.connection;
    if (!is_expired && connection.is_fresh()) {
      if (connection.room() == 0) return nullptr;
      remove_idle(pooled);
      return &connection;
    }
    connection.close();
  }
  return nullptr;
}

void ConnectionPool::open_more(OriginState& state) {
  while (!state.queue.empty() && needs_dial(state)) {
    Waiter& waiter = *state.queue.front();
    Waiting& waiting = waiting_.at(&waiter);
    state.queue.pop_front();
    waiting.dial = std::make_unique<Dial>(*this, state, waiter, alpn_for(state.origin));
    state.dials.push_back(waiting.dial.get());
  }
}

bool ConnectionPool::needs_dial(OriginState& state) {
  const std::size_t limit = options_.origin_limit ? options_.origin_limit(state.origin) : 0;
  if (limit != 0 && state.open + state.dials.size() >= limit) return false;
  // What is being dialled decides.
  if (is_down(state) && !are_all_slow(state)) return false;
  const bool may_be_http2 = state.origin.is_tls() ? options_.protocol != HttpProtocol::kHttp1
                                                  : options_.protocol == HttpProtocol::kHttp2;
  if (!may_be_http2) return true;
  const std::optional<SpokenProtocol> known = memory_.find(state.origin);
  const bool is_http1 = known && !known->is_http2 && state.shared.empty() &&
                        options_.protocol != HttpProtocol::kHttp2;
  if (is_http1) return true;
  const bool may_race = are_all_slow(state) && state.dials.size() < kMostRacedDials;
  if (!known || !known->is_http2 || !known->stream_limit) return may_race && state.shared.empty();
  // HTTP/2. A connection that has not said yet how many streams it takes must say so first.
  std::size_t coming = may_race ? 0 : state.dials.size() * *known->stream_limit;
  for (const Pooled* pooled : state.shared) {
    if (!pooled->http2->stream_limit()) return false;
    coming += pooled->connection->room();
  }
  const bool takes_none = *known->stream_limit == 0 && !state.shared.empty();
  return !takes_none && state.dials.size() < kMostSharedDials &&
         coming < state.queue.size() + state.dials.size();
}

bool ConnectionPool::is_down(const OriginState& state) {
  return state.failed_dials >= kMostFailedDials && state.open == 0;
}

bool ConnectionPool::are_all_slow(const OriginState& state) {
  return std::all_of(state.dials.begin(), state.dials.end(),
                     [](const Dial* dial) { return dial->is_slow(); });
}

// Both are offered whatever is remembered, so that a server that has changed is noticed.
net::Alpn ConnectionPool::alpn_for(const base::Origin& origin) {
  if (options_.protocol == HttpProtocol::kHttp1) return net::Alpn::kHttp1;
  if (options_.protocol == HttpProtocol::kHttp2) return net::Alpn::kHttp2;
  const auto known = memory_.find(origin);
  return known && known->is_http2_unwanted ? net::Alpn::kHttp1 : net::Alpn::kHttp2OrHttp1;
}

}  // namespace patient_http::engine
