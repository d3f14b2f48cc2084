#include "daemon/serve_options.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <exception>
#include <utility>

namespace patient_http::daemon {

namespace {

void add_retry_options(ProcessorOptions& o, std::vector<Option>& all) {
  const auto add = [&all](std::string_view key, OptionValue value, std::string_view unit,
                          std::string_view help) {
    all.push_back({"processor", key, key, value, unit, help});
  };
  add("retries", &o.retries, "N", "Attempts after the first, unless a request says otherwise");
  add("retry_on", &o.retry_on, "CAUSE ...",
      "What they follow: connection, timeout, statuses such as 429; after what may have been "
      "carried out, only what may be repeated is sent again");
  add("retry_delay", &o.retry_delay, "SECONDS", "Before the first of them, doubled for each");
  add("longest_retry_delay", &o.longest_retry_delay, "SECONDS", "At most");
  add("max_retry_after", &o.max_retry_after, "SECONDS",
      "The longest Retry-After that is waited for; a longer one makes the response the result");
  add("max_retry_time", &o.max_retry_time, "SECONDS",
      "For all attempts and the waits between them");
  add("idempotency_keys", &o.idempotency_keys, "",
      "Send a header idempotency-key along with POST and PATCH");
}

void add_processor_options(ProcessorOptions& o, std::vector<Option>& all) {
  const auto add = [&all](std::string_view key, OptionValue value, std::string_view unit,
                          std::string_view help) {
    all.push_back({"processor", key, key, value, unit, help});
  };
  add("max_connections", &o.max_connections, "N", "Requests at once");
  add("max_requests_per_origin", &o.max_requests_per_origin, "N",
      "Requests at once to one scheme, host and port; 0: no limit");
  add("max_connections_per_origin", &o.max_connections_per_origin, "N",
      "Connections to one scheme, host and port; 0: no limit");
  add("host_limits", &o.host_limits, "LIMIT ...",
      "HOST,max_requests=N,max_connections=N: other limits for some hosts; the first that fits "
      "counts");
  add("request_timeout", &o.request_timeout, "SECONDS", "For each attempt, over its redirects");
  add("resolve_timeout", &o.resolve_timeout, "SECONDS", "For a look-up of a name");
  add("connection_timeout", &o.connection_timeout, "SECONDS",
      "For opening a connection, TLS included");
  add("first_byte_timeout", &o.first_byte_timeout, "SECONDS",
      "From the end of sending to the response");
  add("idle_timeout", &o.idle_timeout, "SECONDS", "For silence inside a response");
  add("min_throughput", &o.min_throughput, "BYTES",
      "A second, at which a body must move, out and in; 0: no matter how slowly");
  add("min_throughput_time", &o.min_throughput_time, "SECONDS", "On the average of such a span");
  add("max_response_size", &o.max_response_size, "BYTES", "Largest body");
  add("max_header_size", &o.max_header_size, "BYTES", "Headers and trailers of a response");
  add("max_header_count", &o.max_header_count, "N", "Number of them");
  add("body_memory", &o.body_memory, "BYTES", "All response bodies in memory; then reading waits");
  add("protocol", &o.protocol, "http1|http2",
      "Instead of what a TLS server chooses, and http1 without TLS");
  add("ping_interval", &o.ping_interval, "SECONDS",
      "Silence after which an HTTP/2 server is asked for a sign of life");
  add("ping_timeout", &o.ping_timeout, "SECONDS", "For its answer; then the connection is dead");
  add("max_redirects", &o.max_redirects, "N", "Redirects followed; 0: none");
  add_retry_options(o, all);
  add("connection_pool_size", &o.connection_pool_size, "N", "Origins with idle connections");
  add("max_idle_connections", &o.max_idle_connections, "N",
      "Idle connections in all; 0: as many as max_connections");
  add("idle_connection_lifetime", &o.idle_connection_lifetime, "SECONDS", "Then it is closed");
  add("user_agent", &o.user_agent, "TEXT", "Unless a request has one");
  add("raise_error_responses", &o.raise_error_responses, "",
      "A response that is not 2xx is an error, unless its request says otherwise");
  add("ca_file", &o.ca_file, "FILE", "Certificates to trust, PEM; empty: the system's");
  add("tls_min_version", &o.tls_min_version, "1.2|1.3", "An older TLS is refused");
  add("name_servers", &o.name_servers, "ADDRESSES", "Separated by commas; empty: the system's");
  add("proxy_url", &o.proxy_url, "URL",
      "Reach everything through this HTTP proxy: http://[user:password@]host:port, https:// for "
      "TLS "
      "to the proxy");
  add("no_proxy", &o.no_proxy, "LIST",
      "But not these: names with all under them, addresses, networks, *; separated by commas");
  add("proxy_from_environment", &o.proxy_from_environment, "",
      "Take the proxies of https_proxy, http_proxy, all_proxy and no_proxy");
  add("delivery_threads", &o.delivery_threads, "N", "Threads that store results");
  add("preparer_threads", &o.preparer_threads, "N", "Threads that get secrets and sign");
}

// The keys of both policies are the same.
void add_policy_options(NetworkPolicy& o, std::string_view section,
                        const std::array<std::string_view, 7>& names, std::vector<Option>& all) {
  std::size_t next = 0;
  const auto add = [&](std::string_view key, OptionValue value, std::string_view unit,
                       std::string_view help) {
    all.push_back({section, key, names.at(next++), value, unit, help});
  };
  add("deny_private_networks", &o.deny_private_networks, "",
      "Not to addresses that are not those of public servers: private, loopback, link-local …");
  add("allow_networks", &o.allow_networks, "NETWORK ...", "But to these: 10.1.0.0/16, fd00::/8");
  add("deny_networks", &o.deny_networks, "NETWORK ...", "Not to these, whatever is allowed");
  add("allow_hosts", &o.allow_hosts, "HOST ...",
      "To these hosts, also where their addresses are private: api.example, *.example, "
      "x.example:81");
  add("deny_hosts", &o.deny_hosts, "HOST ...", "Not to these, whatever is allowed");
  add("allow_ports", &o.allow_ports, "PORT ...", "To no other ports");
  add("deny_ports", &o.deny_ports, "PORT ...", "Not to these");
}

void add_network_options(ProcessorOptions& o, std::vector<Option>& all) {
  add_policy_options(o.network_policy, "network_policy",
                     {"deny_private_networks", "allow_networks", "deny_networks", "allow_hosts",
                      "deny_hosts", "allow_ports", "deny_ports"},
                     all);
  add_policy_options(o.untrusted_network_policy, "untrusted_network_policy",
                     {"untrusted_deny_private_networks", "untrusted_allow_networks",
                      "untrusted_deny_networks", "untrusted_allow_hosts", "untrusted_deny_hosts",
                      "untrusted_allow_ports", "untrusted_deny_ports"},
                     all);
}

void add_redis_options(RedisOptions& o, std::vector<Option>& all) {
  const auto add = [&all](std::string_view key, std::string_view name, OptionValue value,
                          std::string_view unit, std::string_view help) {
    all.push_back({"redis", key, name, value, unit, help});
  };
  add("url", "redis_url", &o.url, "URL",
      "Keep jobs in this Redis: redis://[user:password@]host:port/database, rediss:// for TLS, "
      "unix:///socket");
  add("ca_file", "redis_ca_file", &o.ca_file, "FILE", "Certificates to trust with rediss://, PEM");
  add("command_timeout", "redis_command_timeout", &o.command_timeout, "SECONDS", "For one command");
  add("queues", "queues", &o.queues, "QUEUE ...",
      "NAME[,WEIGHT][,shared]: the Sidekiq queues whose requests are carried out");
  add("callback_queue", "callback_queue", &o.callback_queue, "NAME", "Where callback jobs go");
  add("callback_retry", "callback_retry", &o.callback_retries, "true|N",
      "How often Sidekiq tries a callback again; true: 25 times");
  add("own_callback_queue", "own_callback_queue", &o.own_callback_queue, "NAME",
      "Where callbacks wait that are not Ruby's");
  add("heartbeat_interval", "heartbeat_interval", &o.heartbeat_interval, "SECONDS",
      "As in the gem's configuration");
  add("orphan_threshold", "orphan_threshold", &o.orphan_threshold, "SECONDS",
      "As in the gem's configuration");
  add("lease", "redis_lease", &o.lease, "SECONDS",
      "A process that gives no sign of life for so long is dead");
  add("register_as_sidekiq_process", "register_as_sidekiq_process", &o.register_as_sidekiq_process,
      "", "Appear on Sidekiq's Busy page, which can then quiet and stop this process");
}

// All but what has to be opened.
Configuration plain_configuration(const ServeOptions& options) {
  Configuration configuration;
  configuration.processor = processor_options(options);
  configuration.callbacks.threads = 0;  // nothing is registered: others run the callbacks
  configuration.payloads.threshold = options.payload_threshold;
  configuration.encryption.format = options.encryption;
  if (options.database.empty()) {
    configuration.redis = options.redis;
  } else {
    configuration.database = options.database;
  }
  configuration.survives_power_cuts = options.survives_power_cuts;
  configuration.shutdown_timeout = options.shutdown_timeout;
  configuration.store_patience = options.store_patience;
  configuration.state_directory = options.state_directory;
  configuration.request_memory = options.request_memory;
  configuration.poison_rescues = options.poison_rescues;
  return configuration;
}

}  // namespace

ProcessorOptions processor_options(const ServeOptions& options) {
  ProcessorOptions all = options.processor;
  for (const ClientCertificatePlace& place : options.client_certificates) {
    all.client_certificates.push_back(place.certificate());
  }
  return all;
}

std::string Option::flag() const {
  if (name == "redis_url") return "--redis";
  if (name == "queues") return "--queue";  // one at a time
  std::string flag = "--" + std::string(name);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

std::string Option::variable() const {
  std::string variable = "PATIENT_HTTP_" + std::string(name);
  std::transform(variable.begin(), variable.end(), variable.begin(), [](char c) {
    return static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  });
  return variable;
}

std::string Option::path() const {
  return std::string(section) + "." + std::string(key);
}

std::vector<Option> options_of(ServeOptions& options) {
  std::vector<Option> all;
  add_processor_options(options.processor, all);
  add_network_options(options.processor, all);
  add_redis_options(options.redis, all);
  all.insert(
      all.end(),
      {{"service", "database", "database", &options.database, "FILE",
        "Keep jobs in this file, the embedded store, and not in Redis"},
       {"service", "survives_power_cuts", "survives_power_cuts", &options.survives_power_cuts, "",
        "Each step waits for the disk of the embedded store; =false: it does not"},
       {"service", "shutdown_timeout", "shutdown_timeout", &options.shutdown_timeout, "SECONDS",
        "How long a stop waits for requests in flight"},
       {"service", "store_patience", "store_patience", &options.store_patience, "SECONDS",
        "How long a stop waits for a store that is down, beyond that"},
       {"service", "state_directory", "state_directory", &options.state_directory, "DIRECTORY",
        "Where a stop keeps results while the store is down"},
       {"service", "request_memory", "request_memory", &options.request_memory, "BYTES",
        "All requests in memory; then no more are taken"},
       {"service", "poison_rescues", "poison_rescues", &options.poison_rescues, "N",
        "A request taken so often from dead processes is a suspect; 0: never"},
       {"payload_stores", "threshold", "payload_threshold", &options.payload_threshold, "BYTES",
        "Data of more bytes goes into a payload store"},
       {"encryption", "digest", "encryption_digest", &options.encryption.digest, "sha1|sha256",
        "Of the keys, as in the Ruby application"},
       {"encryption", "serializer", "encryption_serializer", &options.encryption.serializer,
        "marshal|json", "As in the Ruby application"},
       {"log", "level", "log_level", &options.log_level, "LEVEL", "debug, info, warn or error"},
       {"log", "format", "log_format", &options.log_format, "text|json", "Of its lines"},
       {"log", "file", "log_file", &options.log_file, "FILE", "Empty: standard error"}});
  return all;
}

Result<Configuration> make_configuration(const ServeOptions& options) {
  Configuration configuration = plain_configuration(options);
  register_secrets(options.secrets, configuration.processor.secrets);
  register_preprocessors(options.preprocessors, configuration.processor.secrets,
                         configuration.processor.preprocessors);
  for (const PayloadStorePlace& place : options.payload_stores) {
    auto store = open_store(place, options.redis, configuration.processor.secrets);
    if (!store) {
      return failure("cannot open the payload store " + place.name + ": " + store.error().message);
    }
    configuration.register_payload_store(place.name, std::move(*store));
  }
  for (const SecretSource& key : options.encryption_keys) {
    std::string value = key.text;
    try {
      if (key.kind != SecretSource::Kind::kValue) value = key.function()().value_or("");
    } catch (const std::exception& error) {
      return failure(std::string("cannot get an encryption key: ") + error.what());
    }
    // It would mean that nothing is encrypted.
    if (value.empty()) return failure("an encryption key is empty");
    configuration.encryption.keys.push_back(std::move(value));
  }
  return configuration;
}

std::vector<std::string> validate(const ServeOptions& options) {
  return plain_configuration(options).validate();
}

void register_secrets(const std::vector<NamedSecret>& named, SecretManager& secrets) {
  for (const NamedSecret& secret : named) {
    if (secret.source.kind == SecretSource::Kind::kValue) {
      secrets.register_secret(secret.name, secret.source.text);
    } else {
      secrets.register_secret(secret.name, secret.source.function());
    }
  }
}

}  // namespace patient_http::daemon
