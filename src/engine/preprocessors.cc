#include "patient_http/preprocessors.h"

#include <stdexcept>

#include "engine/preprocessor_registry.h"

namespace patient_http {

using base::MutexLock;

namespace engine {

void PreprocessorRegistry::add(std::string name, std::shared_ptr<const Preprocessor> preprocessor) {
  MutexLock lock(mutex_);
  // The earlier one ends after the lock: the end of a user's function is the user's code.
  preprocessors_[std::move(name)].swap(preprocessor);
}

std::shared_ptr<const Preprocessor> PreprocessorRegistry::find(std::string_view name) const {
  MutexLock lock(mutex_);
  const auto found = preprocessors_.find(name);
  return found == preprocessors_.end() ? nullptr : found->second;
}

std::vector<std::string> PreprocessorRegistry::names() const {
  MutexLock lock(mutex_);
  std::vector<std::string> names;
  names.reserve(preprocessors_.size());
  for (const auto& [name, preprocessor] : preprocessors_) names.push_back(name);
  return names;
}

}  // namespace engine

Preprocessors::Preprocessors() : registry_(std::make_shared<engine::PreprocessorRegistry>()) {}

void Preprocessors::register_preprocessor(std::string name, Preprocessor preprocessor) {
  if (name.empty())
    throw std::invalid_argument("a preprocessor must have a name, got an empty one");
  if (!preprocessor) {
    throw std::invalid_argument("the function of a preprocessor must not be empty");
  }
  registry_->add(std::move(name), std::make_shared<const Preprocessor>(std::move(preprocessor)));
}

bool Preprocessors::contains(std::string_view name) const {
  return registry_->find(name) != nullptr;
}

std::vector<std::string> Preprocessors::names() const {
  return registry_->names();
}

}  // namespace patient_http
