#include "daemon/secret_source.h"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <stdexcept>

#include "daemon/option_value.h"
#include "engine/secret_registry.h"
#include "patient_http/secret_sources.h"

namespace patient_http::daemon {

SecretFunction SecretSource::function() const {
  if (kind == Kind::kEnvironment) return secret_from_environment(text);
  if (kind == Kind::kFile) return secret_from_file(text);
  SecretCommandOptions options;
  if (lifetime) {
    options.lifetime = std::chrono::duration_cast<std::chrono::steady_clock::duration>(*lifetime);
  }
  return secret_from_command(text, options);
}

SecretFunction SecretSource::function_in(const SecretManager& named) const {
  if (kind == Kind::kValue) {
    // Shared by the copies of the function, and wiped with the last one.
    return [secret = std::make_shared<const engine::Secret>(text)] {
      return std::optional(secret->value());
    };
  }
  if (kind != Kind::kReference) return function();
  return [named, name = text]() -> std::optional<std::string> {
    const auto secret = named.registry().find(name);
    if (!secret) throw std::runtime_error("no secret is registered as \"" + name + "\"");
    return secret->is_function() ? secret->call() : std::optional(secret->value());
  };
}

std::string SecretSource::problem() const {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment
  if (kind == Kind::kEnvironment && std::getenv(text.c_str()) == nullptr)
    return "the environment variable " + text + " is not set";
  if (kind == Kind::kFile && ::access(text.c_str(), R_OK) != 0) return "cannot read " + text;
  return {};
}

std::string SecretSource::masked_toml() const {
  switch (kind) {
    case Kind::kValue:
      return "\"***\"";
    case Kind::kEnvironment:
      return "{ env = " + toml_string(text) + " }";
    case Kind::kFile:
      return "{ file = " + toml_string(text) + " }";
    case Kind::kCommand:
      return "{ command = \"***\" }";
    case Kind::kReference:
      return "{ secret = " + toml_string(text) + " }";
  }
  return {};
}

}  // namespace patient_http::daemon
