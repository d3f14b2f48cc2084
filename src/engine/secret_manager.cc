#include "patient_http/secret_manager.h"

#include <stdexcept>

#include "engine/secret_registry.h"

namespace patient_http {

namespace {

// The one state of the process.
const std::shared_ptr<engine::SecretRegistry>& process_registry() {
  static const auto registry = std::make_shared<engine::SecretRegistry>(nullptr);
  return registry;
}

void add(engine::SecretRegistry& registry, std::string name,
         std::shared_ptr<const engine::Secret> secret) {
  if (name.empty()) throw std::invalid_argument("a secret must have a name, got an empty one");
  registry.add(std::move(name), std::move(secret));
}

std::shared_ptr<const engine::Secret> make_secret(std::string value) {
  auto secret = std::make_shared<const engine::Secret>(std::move(value));
  crypto::wipe(value);  // a short one was copied
  return secret;
}

std::shared_ptr<const engine::Secret> make_secret(SecretFunction function) {
  if (!function) throw std::invalid_argument("the function of a secret must not be empty");
  return std::make_shared<const engine::Secret>(std::move(function));
}

}  // namespace

SecretManager::SecretManager()
    : registry_(std::make_shared<engine::SecretRegistry>(process_registry())) {}

void SecretManager::register_secret(std::string name, std::string value) {
  add(*registry_, std::move(name), make_secret(std::move(value)));
}

void SecretManager::register_secret(std::string name, SecretFunction function) {
  add(*registry_, std::move(name), make_secret(std::move(function)));
}

bool SecretManager::contains(std::string_view name) const {
  return registry_->find(name) != nullptr;
}

std::vector<std::string> SecretManager::names() const {
  return registry_->names();
}

void register_secret(std::string name, std::string value) {
  add(*process_registry(), std::move(name), make_secret(std::move(value)));
}

void register_secret(std::string name, SecretFunction function) {
  add(*process_registry(), std::move(name), make_secret(std::move(function)));
}

bool is_secret_registered(std::string_view name) {
  return process_registry()->find(name) != nullptr;
}

}  // namespace patient_http
