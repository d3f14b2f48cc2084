#include "engine/secret_registry.h"

namespace patient_http::engine {

using base::MutexLock;

void SecretRegistry::add(std::string name, std::shared_ptr<const Secret> secret) {
  MutexLock lock(mutex_);
  // The earlier one ends after the lock: the end of a user's function is the user's code.
  secrets_[std::move(name)].swap(secret);
}

std::shared_ptr<const Secret> SecretRegistry::find(std::string_view name) const {
  {
    MutexLock lock(mutex_);
    const auto found = secrets_.find(name);
    if (found != secrets_.end()) return found->second;
  }
  return fallback_ ? fallback_->find(name) : nullptr;
}

std::vector<std::string> SecretRegistry::names() const {
  MutexLock lock(mutex_);
  std::vector<std::string> names;
  names.reserve(secrets_.size());
  for (const auto& [name, secret] : secrets_) names.push_back(name);
  return names;
}

}  // namespace patient_http::engine
