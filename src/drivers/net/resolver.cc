#include "drivers/net/resolver.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace patient_http::net {

namespace {

// Each waiter starts a connection: thousands of them are spread over several turns.
constexpr std::size_t kWaitersPerTurn = 64;
// A longer TTL would spare a query a minute at most, and a server that moves would be missed.
constexpr std::chrono::seconds kLongestLife{60};
constexpr std::size_t kMostAnswers = 1000;
constexpr std::chrono::seconds kBetweenLooks{1};  // at resolv.conf

}  // namespace

// A name that is being asked for.
struct Resolver::Query final : DnsQuery {
  Query(Resolver& resolver, std::string name) : owner(resolver), host(std::move(name)) {}

  void on_answer(const DnsAnswer& answer) override { owner.on_answer(*this, answer); }

  Resolver& owner;
  std::string host;
  bool is_of_former_servers = false;
  std::deque<ResolveWaiter*> waiters;
};

Resolver::Resolver(EventLoop& loop, const std::string& servers, const SystemServers& system)
    : loop_(loop),
      telling_timer_([this] { tell_some(); }),
      system_(servers.empty() ? std::optional(system) : std::nullopt),
      followed_(FileStamp::of(system.resolv_conf)),
      next_look_(loop.now() + kBetweenLooks),
      channel_(std::make_unique<DnsChannel>(loop, servers, system)) {}

Resolver::~Resolver() = default;

void Resolver::resolve(const std::string& host, ResolveWaiter& waiter) {
  follow_resolv_conf();
  if (const auto it = queries_.find(host); it != queries_.end()) {
    it->second->waiters.push_back(&waiter);
    return;
  }
  if (const auto it = answers_.find(host); it != answers_.end()) {
    if (it->second.good_until > loop_.now()) {
      tell({.addresses = order_.order(host, it->second.addresses, loop_.now()),
            .failure = {},
            .waiters = {&waiter}});
      return;
    }
    answers_.erase(it);
  }
  Query& query = *(queries_[host] = std::make_unique<Query>(*this, host));
  query.waiters.push_back(&waiter);
  channel_->ask(host, query);
}

void Resolver::forget(ResolveWaiter& waiter) {
  for (auto& [host, query] : queries_) std::erase(query->waiters, &waiter);
  for (auto& query : former_queries_) std::erase(query->waiters, &waiter);
  for (Telling& telling : tellings_) std::erase(telling.waiters, &waiter);
}

std::unique_ptr<Resolver::Query> Resolver::take(const Query& query) {
  if (!query.is_of_former_servers) return std::move(queries_.extract(query.host).mapped());
  const auto it = std::find_if(former_queries_.begin(), former_queries_.end(),
                               [&](const auto& former) { return former.get() == &query; });
  std::unique_ptr<Query> taken = std::move(*it);
  former_queries_.erase(it);
  return taken;
}

void Resolver::on_answer(const Query& ended, const DnsAnswer& answer) {
  const std::unique_ptr<Query> query = take(ended);
  if (answer.addresses.empty()) {
    // Not remembered: look-ups at the same time share it, a retry comes later, and name servers
    // remember it themselves, for as long as the zone says.
    tell({.addresses = {},
          .failure = {NetFailure::Kind::kResolve,
                      "look-up of " + query->host + ": " + answer.failure},
          .waiters = std::move(query->waiters)});
    return;
  }
  if (answer.time_to_live > std::chrono::seconds::zero() && !query->is_of_former_servers) {
    const auto life = std::min(answer.time_to_live, kLongestLife);
    remember(query->host, {answer.addresses, std::chrono::steady_clock::now() + life});
  }
  tell({.addresses = order_.order(query->host, answer.addresses, loop_.now()),
        .failure = {},
        .waiters = std::move(query->waiters)});
}

// On the next occasion: resolve() tells nobody, and c-ares may answer from inside it.
void Resolver::tell(Telling telling) {
  tellings_.push_back(std::move(telling));
  if (!telling_timer_.is_set()) loop_.timers().set(telling_timer_, loop_.now());
}

void Resolver::tell_some() {
  for (std::size_t told = 0; !tellings_.empty();) {
    // It stays the first while waiters are told, whatever they do.
    Telling& telling = tellings_.front();
    if (telling.waiters.empty()) {
      tellings_.pop_front();
      continue;
    }
    if (told++ == kWaitersPerTurn) {
      loop_.timers().set(telling_timer_, loop_.now() + std::chrono::nanoseconds(1));
      return;
    }
    ResolveWaiter* waiter = telling.waiters.front();
    telling.waiters.pop_front();
    if (telling.addresses.empty()) {
      waiter->on_resolve_failed(telling.failure);
    } else {
      waiter->on_resolved(telling.addresses);
    }
  }
}

void Resolver::remember(const std::string& host, Answer answer) {
  if (answers_.size() >= kMostAnswers) {
    std::erase_if(answers_,
                  [&](const auto& entry) { return entry.second.good_until <= loop_.now(); });
    // A thousand names within a minute: asking again is cheaper than to keep order among them.
    if (answers_.size() >= kMostAnswers) answers_.clear();
  }
  answers_.insert_or_assign(host, std::move(answer));
}

void Resolver::follow_resolv_conf() {
  if (!system_ || loop_.now() < next_look_) return;
  next_look_ = loop_.now() + kBetweenLooks;
  std::erase_if(former_channels_, [](const auto& channel) { return channel->is_idle(); });
  // A file that is not there is about to be replaced.
  const auto stamp = FileStamp::of(system_->resolv_conf);
  if (!stamp || stamp == followed_) return;
  try {
    auto channel = std::make_unique<DnsChannel>(loop_, std::string(), *system_);
    former_channels_.push_back(std::exchange(channel_, std::move(channel)));
  } catch (const std::runtime_error&) {
    return;  // the former servers serve on; the next look tries again
  }
  followed_ = stamp;
  answers_.clear();
  // Those who wait for the former servers go on waiting, but nobody joins them.
  for (auto& [host, query] : queries_) {
    query->is_of_former_servers = true;
    former_queries_.push_back(std::move(query));
  }
  queries_.clear();
}

}  // namespace patient_http::net
