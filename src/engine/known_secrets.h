#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/secret_registry.h"

namespace patient_http::engine {

// The secrets that went into a request, so that their values can be kept out of what is stored.
// Moved, never copied; wiped with its end. Without secrets it costs nothing. Belongs to no thread.
class KnownSecrets {
 public:
  KnownSecrets() = default;
  KnownSecrets(KnownSecrets&&) noexcept = default;
  KnownSecrets& operator=(KnownSecrets&&) noexcept = default;

  // A secret that has its value.
  void add(std::string name, std::shared_ptr<const Secret> secret);
  // What the function of a secret gave. `value` is wiped.
  void add(std::string name, std::optional<std::string>&& value);
  // Those of another hop.
  void add(KnownSecrets&& others);

  [[nodiscard]] bool empty() const { return secrets_.empty(); }
  // Null when the secret has no value. REQUIRES: it was added.
  [[nodiscard]] const std::string* find(std::string_view name) const;

  // `text` with every value of `shortest` bytes or more replaced by "$secret:<name>", whether it
  // stands there as it is, percent-encoded (once or twice) or form-encoded, in any case.
  [[nodiscard]] std::string mask(std::string_view text, std::size_t shortest = kShortest) const;
  // The same for a url or a part of one, in which a parameter that is a value as a whole is
  // replaced whatever its length.
  [[nodiscard]] std::string mask_url(std::string_view url) const;

 private:
  // What is shorter stands in many texts by chance.
  static constexpr std::size_t kShortest = 8;

  // Its own allocation, so that the value never moves.
  struct Known {
    Known() = default;
    ~Known();
    Known(const Known&) = delete;
    Known& operator=(const Known&) = delete;

    [[nodiscard]] const std::string& value() const { return secret ? secret->value() : own; }

    std::string name;
    std::shared_ptr<const Secret> secret;  // owned by the registry too
    std::string own;                       // the value, when there is no `secret`
    bool has_value = true;
  };

  [[nodiscard]] static std::string mask_for(const Known& known);

  std::vector<std::unique_ptr<Known>> secrets_;
};

}  // namespace patient_http::engine
