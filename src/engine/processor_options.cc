#include "patient_http/processor_options.h"

#include <cmath>

#include "base/json_text.h"
#include "base/text.h"
#include "drivers/http1/response_parser.h"
#include "drivers/net/resolver.h"
#include "engine/host_pattern.h"
#include "engine/proxy_rules.h"

namespace patient_http {

namespace {

constexpr std::size_t kMostConnections = 1'000'000;
constexpr std::size_t kMostPreparerThreads = 256;
// What fits into a store, in base64, with room to spare.
constexpr std::size_t kLargestResponse = std::size_t{512} << 20;

class Checker {
 public:
  void in_range(const char* name, std::size_t value, std::size_t most) {
    positive(name, value);
    if (value > most) add(name, ("at most " + std::to_string(most)).c_str(), std::to_string(value));
  }
  void positive(const char* name, std::size_t value) {
    if (value == 0) add(name, "a positive number", "0");
  }
  void positive(const char* name, Seconds value) {
    if (!std::isfinite(value.count()) || value.count() <= 0) {
      add(name, "a positive number of seconds", base::fixed_number(value.count(), 6));
    }
  }
  void positive(const char* name, const std::optional<Seconds>& value) {
    if (value) positive(name, *value);
  }
  void not_negative(const char* name, int value) {
    if (value < 0) add(name, "0 or more", std::to_string(value));
  }
  void not_negative(const char* name, Seconds value) {
    if (!std::isfinite(value.count()) || value.count() < 0) {
      add(name, "0 or more seconds", base::fixed_number(value.count(), 6));
    }
  }
  void add(const char* name, const char* wanted, const std::string& got) {
    problems.push_back(std::string(name) + " must be " + wanted + ", got: " + got);
  }

  std::vector<std::string> problems;
};

}  // namespace

std::vector<std::string> ProcessorOptions::validate() const {
  Checker check;
  check.in_range("max_connections", max_connections, kMostConnections);
  for (const HostLimit& limit : host_limits) {
    if (limit.is_valid()) continue;
    check.add("host_limits", "of hosts such as api.example.com, *.example.com or [::1]:8080",
              base::json_string(limit.host));
  }
  check.positive("request_timeout", request_timeout);
  check.positive("resolve_timeout", resolve_timeout);
  check.positive("connection_timeout", connection_timeout);
  check.positive("first_byte_timeout", first_byte_timeout);
  check.positive("idle_timeout", idle_timeout);
  check.positive("min_throughput_time", min_throughput_time);
  check.in_range("max_response_size", max_response_size, kLargestResponse);
  check.positive("max_header_size", max_header_size);
  if (max_header_size > http1::kLargestHead) {
    check.add("max_header_size", "81920 or less", std::to_string(max_header_size));
  }
  check.positive("max_header_count", max_header_count);
  check.positive("body_memory", body_memory);
  check.positive("ping_interval", ping_interval);
  check.positive("ping_timeout", ping_timeout);
  check.not_negative("max_redirects", max_redirects);
  check.not_negative("retries", retries);
  check.positive("retry_delay", retry_delay);
  check.positive("longest_retry_delay", longest_retry_delay);
  check.not_negative("max_retry_after", max_retry_after);
  check.positive("max_retry_time", max_retry_time);
  if (const auto valid = RetryOptions{.on = retry_on}.validate(); !valid) {
    check.problems.push_back("retry_on " + valid.error().reason);
  }
  check.positive("connection_pool_size", connection_pool_size);
  check.positive("idle_connection_lifetime", idle_connection_lifetime);
  check.positive("delivery_threads", delivery_threads);
  check.in_range("preparer_threads", preparer_threads, kMostPreparerThreads);
  if (user_agent.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
    check.add("user_agent", "free of line breaks", base::json_string(user_agent));
  }
  for (const ClientCertificate& certificate : client_certificates) {
    if (!engine::HostPattern::parse(certificate.host)) {
      check.add("client_certificates", "for hosts such as api.example.com or *.example.com",
                base::json_string(certificate.host));
    }
    if (certificate.certificate_file.empty()) {
      check.add("client_certificates", "in a file each", "none for " + certificate.host);
    }
  }
  if (!net::Resolver::are_valid_servers(name_servers)) {
    check.add("name_servers", "IP addresses separated by commas", name_servers);
  }
  if (const auto rules = engine::ProxyRules::create(*this); !rules) {
    check.problems.push_back(rules.error().message);
  }
  for (std::string& problem : network_policy.validate("network_policy")) {
    check.problems.push_back(std::move(problem));
  }
  for (std::string& problem : untrusted_network_policy.validate("untrusted_network_policy")) {
    check.problems.push_back(std::move(problem));
  }
  return check.problems;
}

}  // namespace patient_http
