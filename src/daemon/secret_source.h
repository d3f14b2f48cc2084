#pragma once

#include <optional>
#include <string>

#include "patient_http/secret_manager.h"
#include "patient_http/timeout.h"

namespace patient_http::daemon {

// Where a configuration says that a secret is: the value itself, { env = "NAME" },
// { file = "PATH" }, { command = "…" } or { secret = "NAME" }, which refers to one that has a name.
struct SecretSource {
  enum class Kind { kValue, kEnvironment, kFile, kCommand, kReference };

  Kind kind = Kind::kValue;
  std::string text;
  std::optional<Seconds> lifetime = std::nullopt;  // of what a command wrote

  // Gets it from there, each time. REQUIRES: neither kValue nor kReference.
  [[nodiscard]] SecretFunction function() const;
  // The same for all kinds; a reference is looked up in `named` each time.
  [[nodiscard]] SecretFunction function_in(const SecretManager& named) const;
  // What stands against it now, without asking for it: a variable that is not set, a file that
  // cannot be read. Empty when nothing does.
  [[nodiscard]] std::string problem() const;
  // In TOML, without a value or a command.
  [[nodiscard]] std::string masked_toml() const;

  bool operator==(const SecretSource&) const = default;
};

}  // namespace patient_http::daemon
