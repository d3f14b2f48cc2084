#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/secret_source.h"
#include "patient_http/preprocessors.h"
#include "patient_http/secret_manager.h"
#include "patient_http/signing.h"

namespace patient_http::daemon {

// A preprocessor of [preprocessors].
struct PreprocessorSetup {
  enum class Type { kAwsSigV4, kHmac, kBearer };

  std::string name;
  Type type = Type::kBearer;
  // The one that `type` names counts; without its functions.
  AwsSigV4Options aws = {};
  HmacOptions hmac = {};
  // Where its secrets are, by their keys: "secret_access_key".
  std::map<std::string, SecretSource, std::less<>> secrets = {};

  // References among its secrets are looked up in `named` when a request is signed.
  // REQUIRES: validate() is empty.
  [[nodiscard]] Preprocessor make(const SecretManager& named) const;
  // Everything that is wrong, a sentence each, which begins with the key that it is about.
  [[nodiscard]] std::vector<std::string> validate() const;
  // As an inline table, without values and commands.
  [[nodiscard]] std::string masked_toml() const;

 private:
  [[nodiscard]] SecretFunction secret(std::string_view key, const SecretManager& named) const;
  [[nodiscard]] AwsSigV4Options aws_options(const SecretManager& named) const;
  [[nodiscard]] HmacOptions hmac_options(const SecretManager& named) const;
};

[[nodiscard]] bool operator==(const PreprocessorSetup& a, const PreprocessorSetup& b);

// The words of the configuration, in their order: "aws_sigv4", "hmac" …
[[nodiscard]] std::string_view to_string(PreprocessorSetup::Type type);
[[nodiscard]] std::string_view to_string(HmacAlgorithm algorithm);
[[nodiscard]] std::string_view to_string(SignatureEncoding encoding);

// Registers them, in the place of earlier ones.
void register_preprocessors(const std::vector<PreprocessorSetup>& setups,
                            const SecretManager& named, Preprocessors& preprocessors);

}  // namespace patient_http::daemon
