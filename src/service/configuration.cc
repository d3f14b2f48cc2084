#include "patient_http/configuration.h"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>

#include "payload/payload_reference.h"
#include "service/configuration_check.h"

namespace patient_http {

namespace {

using payload::PayloadReference;

void check_callbacks(const CallbackOptions& callbacks, std::vector<std::string>& problems) {
  for (const auto& [name, make] : callbacks.registered) {
    if (name.empty()) problems.emplace_back("callbacks must have names");
    if (!make) problems.push_back("the callback \"" + name + "\" must have a function");
  }
  if (callbacks.threads > 1000) problems.emplace_back("callbacks.threads must be at most 1000");
  if (callbacks.retries < 0) problems.emplace_back("callbacks.retries must be 0 or more");
  if (callbacks.dead_lifetime.count() <= 0)
    problems.emplace_back("callbacks.dead_lifetime must be greater than 0");
}

void check_payloads(const PayloadOptions& payloads, std::vector<std::string>& problems) {
  std::set<std::string> names;
  for (const auto& [name, store] : payloads.stores) {
    if (!PayloadReference::is_valid_store_name(name)) {
      problems.emplace_back(
          "the name of a payload store must be 1 to 64 letters, digits, '_', '-' or '.'");
    } else if (!names.insert(name).second) {
      problems.push_back("the payload store \"" + name + "\" is registered twice");
    }
    if (store == nullptr) problems.push_back("the payload store \"" + name + "\" is null");
  }
}

void check_encryption(const EncryptionOptions& encryption, std::vector<std::string>& problems) {
  const bool encrypts = static_cast<bool>(encryption.encrypt);
  const bool decrypts = static_cast<bool>(encryption.decrypt);
  if (encrypts != decrypts)
    problems.emplace_back("encryption needs both functions, encrypt and decrypt, or none");
  const bool has_keys = std::any_of(encryption.keys.begin(), encryption.keys.end(),
                                    [](const std::string& key) { return !key.empty(); });
  if (encrypts && has_keys) problems.emplace_back("encryption takes keys or functions, not both");
}

}  // namespace

std::vector<std::string> Configuration::validate() const {
  std::vector<std::string> problems = processor.validate();
  if (redis) {
    for (std::string& problem : redis->validate()) problems.push_back(std::move(problem));
  } else if (database.empty()) {
    problems.emplace_back("database must name a file, or redis a server");
  }
  if (request_memory == 0) problems.emplace_back("request_memory must be a positive number");
  if (poison_rescues < 0) problems.emplace_back("poison_rescues must be 0 or more");
  if (shutdown_timeout.count() < 0) problems.emplace_back("shutdown_timeout must be 0 or more");
  if (store_patience.count() < 0) problems.emplace_back("store_patience must be 0 or more");
  check_callbacks(callbacks, problems);
  check_payloads(payloads, problems);
  check_encryption(encryption, problems);
  return problems;
}

void service::require_valid(const Configuration& configuration) {
  std::string message;
  for (const std::string& problem : configuration.validate()) {
    message += message.empty() ? problem : "; " + problem;
  }
  if (!message.empty()) throw std::invalid_argument(message);
}

}  // namespace patient_http
