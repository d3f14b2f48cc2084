#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace patient_http {

namespace engine {
class SecretRegistry;
}  // namespace engine

// Gives a secret's value. Called once for each request that is sent with the secret, each attempt
// and each redirect anew, on a preparer thread: it may block, several calls may run at once, and
// what it throws fails the request. No value: the header is not sent, the param has no '='.
using SecretFunction = std::function<std::optional<std::string>()>;

// The values of secrets by name: what a SecretReference in a request stands for. Values are never
// shown, and are wiped from memory when they are replaced or when the last copy is gone.
//
// A value, like Log: copies share the registry. Names that are not in it are looked for among those
// of the whole process, see register_secret() below.
//
// Thread safety: all methods may be called from any thread. A secret that is registered while a
// processor runs is found by the next request.
class SecretManager final {
 public:
  SecretManager();

  // Replaces an earlier secret of that name. A request that is just being prepared may still use
  // the earlier one. Throws std::invalid_argument when the name is empty or the function is.
  void register_secret(std::string name, std::string value);
  void register_secret(std::string name, SecretFunction function);

  // Whether there is such a secret, here or in the whole process.
  [[nodiscard]] bool contains(std::string_view name) const;
  // Those registered here, in alphabetical order.
  [[nodiscard]] std::vector<std::string> names() const;

  // For the engine.
  [[nodiscard]] const engine::SecretRegistry& registry() const { return *registry_; }

 private:
  std::shared_ptr<engine::SecretRegistry> registry_;  // owned by all copies together
};

// Registers a secret for the whole process: every SecretManager, made before or after, finds it
// when it has none of that name. For programs that register their secrets before there is any
// configuration, as users of the Ruby gem do.
//
// Thread safety: may be called from any thread.
void register_secret(std::string name, std::string value);
void register_secret(std::string name, SecretFunction function);
// Whether a secret of that name is registered for the whole process.
[[nodiscard]] bool is_secret_registered(std::string_view name);

}  // namespace patient_http
