#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "patient_http/outgoing_request.h"

namespace patient_http {

namespace engine {
class PreprocessorRegistry;
}  // namespace engine

// Looks at a request before it is sent and may change it, say to sign it. Called once for each
// request that is sent, each attempt and each redirect on the same origin anew, on a preparer
// thread: it may block, several calls may run at once, and what it throws fails the request.
using Preprocessor = std::function<void(OutgoingRequest&)>;

// Preprocessors by name: what Request::preprocessors() stands for.
//
// A value, like Log: copies share the registry.
//
// Thread safety: all methods may be called from any thread. A preprocessor that is registered while
// a processor runs is found by the next request.
class Preprocessors final {
 public:
  Preprocessors();

  // Replaces an earlier one of that name. Throws std::invalid_argument when the name is empty or
  // the function is.
  void register_preprocessor(std::string name, Preprocessor preprocessor);
  [[nodiscard]] bool contains(std::string_view name) const;
  // In alphabetical order.
  [[nodiscard]] std::vector<std::string> names() const;

  // For the engine.
  [[nodiscard]] const engine::PreprocessorRegistry& registry() const { return *registry_; }

 private:
  std::shared_ptr<engine::PreprocessorRegistry> registry_;  // owned by all copies together
};

}  // namespace patient_http
