#include "daemon/preprocessor_setup.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "daemon/option_value.h"

namespace patient_http::daemon {

std::string_view to_string(PreprocessorSetup::Type type) {
  switch (type) {
    case PreprocessorSetup::Type::kAwsSigV4:
      return "aws_sigv4";
    case PreprocessorSetup::Type::kHmac:
      return "hmac";
    case PreprocessorSetup::Type::kBearer:
      return "bearer";
  }
  return {};
}

std::string_view to_string(HmacAlgorithm algorithm) {
  switch (algorithm) {
    case HmacAlgorithm::kSha1:
      return "sha1";
    case HmacAlgorithm::kSha256:
      return "sha256";
    case HmacAlgorithm::kSha512:
      return "sha512";
  }
  return {};
}

std::string_view to_string(SignatureEncoding encoding) {
  return encoding == SignatureEncoding::kHex ? "hex" : "base64";
}

SecretFunction PreprocessorSetup::secret(std::string_view key, const SecretManager& named) const {
  const auto found = secrets.find(key);
  return found == secrets.end() ? SecretFunction() : found->second.function_in(named);
}

AwsSigV4Options PreprocessorSetup::aws_options(const SecretManager& named) const {
  AwsSigV4Options options = aws;
  options.access_key_id = secret("access_key_id", named);
  options.secret_access_key = secret("secret_access_key", named);
  options.session_token = secret("session_token", named);
  return options;
}

HmacOptions PreprocessorSetup::hmac_options(const SecretManager& named) const {
  HmacOptions options = hmac;
  options.secret = secret("secret", named);
  return options;
}

Preprocessor PreprocessorSetup::make(const SecretManager& named) const {
  if (type == Type::kAwsSigV4) return aws_sigv4(aws_options(named));
  if (type == Type::kHmac) return hmac_signature(hmac_options(named));
  return bearer_token(secret("token", named));
}

std::vector<std::string> PreprocessorSetup::validate() const {
  std::vector<std::string> wrong;
  if (type == Type::kAwsSigV4) {
    wrong = aws_options({}).validate();
  } else if (type == Type::kHmac) {
    wrong = hmac_options({}).validate();
  } else if (!secrets.contains("token")) {
    wrong.emplace_back("token must say where it is found");
  }
  for (const auto& [key, source] : secrets) {
    // A session token may be empty: then there is none.
    if (source.kind == SecretSource::Kind::kValue && source.text.empty() && key != "session_token")
      wrong.push_back(key + " must not be empty");
  }
  return wrong;
}

std::string PreprocessorSetup::masked_toml() const {
  std::string text = "{ type = " + toml_string(to_string(type));
  const auto add = [&text](std::string_view key, const std::string& value) {
    text.append(", ").append(key).append(" = ").append(value);
  };
  if (type == Type::kAwsSigV4) {
    add("service", toml_string(aws.service));
    add("region", toml_string(aws.region));
    if (!aws.signs_body) add("signs_body", "false");
  } else if (type == Type::kHmac) {
    add("header", toml_string(hmac.header));
    if (!hmac.prefix.empty()) add("prefix", toml_string(hmac.prefix));
    add("algorithm", toml_string(to_string(hmac.algorithm)));
    add("encoding", toml_string(to_string(hmac.encoding)));
    std::string parts;
    for (const std::string& part : hmac.parts)
      parts.append(parts.empty() ? "" : ", ").append(toml_string(part));
    add("parts", "[" + parts + "]");
    add("separator", toml_string(hmac.separator));
    if (!hmac.timestamp_header.empty()) add("timestamp_header", toml_string(hmac.timestamp_header));
  }
  for (const auto& [key, source] : secrets) add(key, source.masked_toml());
  return text + " }";
}

bool operator==(const PreprocessorSetup& a, const PreprocessorSetup& b) {
  const auto all = [](const PreprocessorSetup& setup) {
    return std::tie(setup.name, setup.type, setup.aws.service, setup.aws.region,
                    setup.aws.signs_body, setup.hmac.header, setup.hmac.prefix,
                    setup.hmac.algorithm, setup.hmac.encoding, setup.hmac.parts,
                    setup.hmac.separator, setup.hmac.timestamp_header, setup.secrets);
  };
  return all(a) == all(b);
}

void register_preprocessors(const std::vector<PreprocessorSetup>& setups,
                            const SecretManager& named, Preprocessors& preprocessors) {
  for (const PreprocessorSetup& setup : setups)
    preprocessors.register_preprocessor(setup.name, setup.make(named));
}

}  // namespace patient_http::daemon
