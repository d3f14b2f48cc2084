#include "engine/protocol_memory.h"

#include <functional>
#include <string>

namespace patient_http::engine {

std::size_t OriginHash::operator()(const base::Origin& origin) const {
  return std::hash<std::string>()(origin.host) ^ (std::size_t{origin.port} << 1) ^
         (origin.is_tls() ? 1U : 0U);
}

std::optional<SpokenProtocol> ProtocolMemory::find(const base::Origin& origin) {
  const auto found = places_.find(origin);
  if (found == places_.end()) return std::nullopt;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->second;
}

void ProtocolMemory::remember(const base::Origin& origin, SpokenProtocol spoken) {
  if (const auto found = places_.find(origin); found != places_.end()) {
    found->second->second = spoken;
    entries_.splice(entries_.begin(), entries_, found->second);
    return;
  }
  entries_.emplace_front(origin, spoken);
  places_[origin] = entries_.begin();
  if (entries_.size() <= most_) return;
  places_.erase(entries_.back().first);
  entries_.pop_back();
}

}  // namespace patient_http::engine
