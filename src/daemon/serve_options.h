#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/client_certificate_place.h"
#include "daemon/log_output.h"
#include "daemon/option_value.h"
#include "daemon/payload_store_place.h"
#include "daemon/preprocessor_setup.h"
#include "daemon/secret_source.h"
#include "patient_http/configuration.h"
#include "patient_http/log.h"
#include "patient_http/processor_options.h"
#include "patient_http/redis_options.h"
#include "patient_http/result.h"

namespace patient_http::daemon {

struct NamedSecret {
  std::string name;
  SecretSource source;
};

// How `patient-http serve` is set up. Its store is Redis unless `database` names a file.
struct ServeOptions {
  ProcessorOptions processor = {};
  RedisOptions redis = {.url = {}};
  std::string database = {};
  bool survives_power_cuts = true;
  // What Sidekiq leaves of the 25 s that it gives its jobs.
  std::chrono::milliseconds shutdown_timeout = std::chrono::seconds(23);
  std::chrono::milliseconds store_patience = Configuration().store_patience;
  std::string state_directory = {};
  std::size_t request_memory = Configuration().request_memory;
  int poison_rescues = Configuration().poison_rescues;

  std::size_t payload_threshold = PayloadOptions().threshold;
  std::vector<PayloadStorePlace> payload_stores = {};  // in the order of the file

  EncryptionFormat encryption = {};
  std::vector<SecretSource> encryption_keys = {};
  std::vector<NamedSecret> secrets = {};
  std::vector<PreprocessorSetup> preprocessors = {};
  std::vector<ClientCertificatePlace> client_certificates = {};

  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;
  std::string log_file = {};  // empty: standard error
};

// One option: the key of a section of the file, the variable PATIENT_HTTP_<NAME>, and the flag
// --<name>, with '-' for '_'; but --redis and --queue.
struct Option {
  std::string_view section;
  std::string_view key;
  std::string_view name;
  OptionValue value;
  std::string_view unit;  // for the help: "SECONDS"
  std::string_view help;

  [[nodiscard]] std::string flag() const;
  [[nodiscard]] std::string variable() const;
  // "redis.url"
  [[nodiscard]] std::string path() const;
};

// All of them; what they say is in `options`, which must outlive them.
[[nodiscard]] std::vector<Option> options_of(ServeOptions& options);

// The variable that holds encryption keys, a line each.
constexpr std::string_view kEncryptionKeysVariable = "PATIENT_HTTP_ENCRYPTION_KEYS";

// Where a value came from.
struct Origin {
  enum class Source { kDefault, kFile, kEnvironment, kFlag };

  Source source = Source::kDefault;
  std::string place = "default";  // "/etc/x.toml:3", "PATIENT_HTTP_RETRIES", "--retries"
};

// By the name of the option, and "encryption_keys", "secrets.<name>", "payload_stores.<name>",
// "preprocessors.<name>" and "client_certificates".
using Origins = std::map<std::string, Origin, std::less<>>;

// Those of the engine, with the client certificates.
[[nodiscard]] ProcessorOptions processor_options(const ServeOptions& options);

// The configuration of a service, without its log, secrets and preprocessors registered. Throws
// nothing; opens the payload stores and gets the encryption keys. The failure says what could not
// be had.
[[nodiscard]] Result<Configuration> make_configuration(const ServeOptions& options);

// What Configuration::validate() says of it, before anything is opened.
[[nodiscard]] std::vector<std::string> validate(const ServeOptions& options);

// Registers the secrets in `secrets`, in the place of earlier ones.
void register_secrets(const std::vector<NamedSecret>& named, SecretManager& secrets);

}  // namespace patient_http::daemon
