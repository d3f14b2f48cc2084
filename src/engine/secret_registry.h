#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "drivers/crypto/wipe.h"
#include "patient_http/secret_manager.h"

namespace patient_http::engine {

// One secret: a value, or the function that gives one. The value is wiped with it.
class Secret {
 public:
  explicit Secret(std::string value) : value_(std::move(value)) {}
  explicit Secret(SecretFunction function) : function_(std::move(function)) {}
  ~Secret() { crypto::wipe(value_); }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  [[nodiscard]] bool is_function() const { return function_ != nullptr; }
  // REQUIRES: not is_function().
  [[nodiscard]] const std::string& value() const { return value_; }
  // Runs the user's code, which may block and throw. REQUIRES: is_function().
  [[nodiscard]] std::optional<std::string> call() const { return function_(); }

 private:
  std::string value_;
  SecretFunction function_;
};

// What the copies of a SecretManager share.
//
// Thread safety: all methods may be called from any thread.
class SecretRegistry {
 public:
  // `fallback` is asked for what is not here; it may be null.
  explicit SecretRegistry(std::shared_ptr<const SecretRegistry> fallback)
      : fallback_(std::move(fallback)) {}

  void add(std::string name, std::shared_ptr<const Secret> secret);
  // Null when there is none. The second owner is the request that is being prepared: it may go on
  // with a secret that is replaced meanwhile.
  [[nodiscard]] std::shared_ptr<const Secret> find(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  const std::shared_ptr<const SecretRegistry> fallback_;  // owned by all that fall back to it
  mutable base::Mutex mutex_;
  std::map<std::string, std::shared_ptr<const Secret>, std::less<>> secrets_ GUARDED_BY(mutex_);
};

}  // namespace patient_http::engine
