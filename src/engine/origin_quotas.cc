#include "engine/origin_quotas.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <limits>
#include <utility>

#include "engine/host_limit.h"

namespace patient_http::engine {

std::size_t OriginQuotas::OriginHash::operator()(const base::Origin& origin) const {
  constexpr std::size_t kPrime = 31;
  return (std::hash<std::string>()(origin.host) * kPrime + origin.port) * kPrime +
         origin.scheme.size();
}

OriginQuotas::OriginQuotas(std::size_t max_requests, std::vector<HostLimit> limits)
    : max_requests_(max_requests),
      limits_(std::move(limits)),
      has_limits_(max_requests != 0 ||
                  std::any_of(limits_.begin(), limits_.end(), [](const HostLimit& limit) {
                    return limit.max_requests.value_or(0) != 0;
                  })) {}

std::size_t OriginQuotas::limit_of(const base::Origin& name) const {
  const std::size_t limit =
      engine::limit_of(limits_, &HostLimit::max_requests, name, max_requests_);
  return limit != 0 ? limit : std::numeric_limits<std::size_t>::max();
}

OriginQuotas::Origin& OriginQuotas::find(const base::Origin& name) {
  const auto [found, is_new] = origins_.try_emplace(name);
  if (is_new) {
    found->second.name = &found->first;
    found->second.limit = limit_of(name);
  }
  return found->second;
}

bool OriginQuotas::enter(Visitor& visitor, const base::Origin& origin) {
  if (!line_up(visitor, origin)) return false;
  skip_turn(visitor);
  return true;
}

bool OriginQuotas::line_up(Visitor& visitor, const base::Origin& origin) {
  Origin& at = find(origin);
  visitor.origin_ = &at;
  if (at.occupied < at.limit) {  // then nobody waits
    at.admitted.push_back(&visitor);
    visitor.in_list_ = std::prev(at.admitted.end());
    admit(visitor);
    return true;
  }
  at.queue.push_back(&visitor);
  visitor.in_list_ = std::prev(at.queue.end());
  visitor.place_ = Visitor::Place::kQueue;
  return false;
}

// REQUIRES: it is in `admitted`.
void OriginQuotas::admit(Visitor& visitor) {
  Origin& at = *visitor.origin_;
  ++at.occupied;
  visitor.place_ = Visitor::Place::kAdmitted;
  if (at.admitted.size() == 1) at.in_turns = turns_.insert(turns_.end(), &at);
}

void OriginQuotas::take_from_admitted(Visitor& visitor) {
  Origin& at = *visitor.origin_;
  at.admitted.erase(visitor.in_list_);
  if (at.admitted.empty()) turns_.erase(at.in_turns);
}

OriginQuotas::Visitor* OriginQuotas::leave(Visitor& visitor) {
  if (visitor.place_ == Visitor::Place::kOutside) return nullptr;
  Origin& at = *visitor.origin_;
  const Visitor::Place place = std::exchange(visitor.place_, Visitor::Place::kOutside);
  if (place == Visitor::Place::kQueue) {
    at.queue.erase(visitor.in_list_);
    forget_if_empty(at);
    return nullptr;
  }
  if (place == Visitor::Place::kAdmitted) take_from_admitted(visitor);
  --at.occupied;
  if (at.queue.empty()) {
    forget_if_empty(at);
    return nullptr;
  }
  Visitor& admitted = *at.queue.front();
  at.admitted.splice(at.admitted.end(), at.queue, at.queue.begin());
  admit(admitted);
  return &admitted;
}

OriginQuotas::Visitor& OriginQuotas::next() {
  Origin& at = *turns_.front();
  turns_.splice(turns_.end(), turns_, turns_.begin());
  Visitor& visitor = *at.admitted.front();
  skip_turn(visitor);
  return visitor;
}

void OriginQuotas::skip_turn(Visitor& visitor) {
  take_from_admitted(visitor);
  visitor.place_ = Visitor::Place::kInside;
}

void OriginQuotas::forget_if_empty(Origin& origin) {
  if (origin.occupied == 0 && origin.queue.empty()) origins_.erase(origins_.find(*origin.name));
}

}  // namespace patient_http::engine
