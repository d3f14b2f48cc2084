#include "daemon/option_sources.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>
#include <string_view>

#include "base/text.h"
#include "base/url.h"
#include "daemon/configuration_file.h"
#include "daemon/nearest_name.h"
#include "daemon/open_files.h"

extern char** environ;

namespace patient_http::daemon {

namespace {

constexpr std::string_view kPrefix = "PATIENT_HTTP_";
constexpr const char* kConfigVariable = "PATIENT_HTTP_CONFIG";
constexpr const char* kDefaultConfig = "/etc/patient-http/config.toml";

using Source = Origin::Source;

class Gatherer {
 public:
  Gatherer(const GivenFlags& flags, const Environment& environment)
      : flags_(flags), environment_(environment), table_(options_of(gathered_.options)) {}

  // To be called once.
  GatheredOptions gather() {
    read_file();
    read_environment();
    read_flags();
    choose_store();
    choose_state_directory();
    check_values();
    check_files();
    check_secrets();
    check_open_files();
    return std::move(gathered_);
  }

 private:
  [[nodiscard]] std::string variable(std::string_view name) const {
    const auto found = environment_.find(name);
    return found == environment_.end() ? std::string() : found->second;
  }
  [[nodiscard]] Origin origin(std::string_view name) const {
    const auto found = gathered_.origins.find(name);
    return found == gathered_.origins.end() ? Origin() : found->second;
  }
  void problem(std::string text) { gathered_.problems.push_back(std::move(text)); }
  // `text` behind the place where the option was set.
  void problem_of(std::string_view name, const std::string& text) {
    const Origin from = origin(name);
    problem(from.source == Source::kDefault ? text : from.place + ": " + text);
  }

  void set(const Option& option, std::string_view text, Origin from) {
    if (const auto wrong = set_option(option.value, text)) {
      problem(from.place + " " + *wrong);
    } else {
      gathered_.origins[std::string(option.name)] = std::move(from);
    }
  }

  void read_file();
  void read_environment();
  void read_flags();
  void choose_store();
  void choose_state_directory();
  void check_values();
  void check_files();
  void check_readable(std::string_view name, const std::string& what, const std::string& path);
  void check_writable(std::string_view name, const std::string& what, const std::string& folder);
  void check_secrets();
  void check_open_files();

  const GivenFlags& flags_;
  const Environment& environment_;
  GatheredOptions gathered_;
  const std::vector<Option> table_;
};

void Gatherer::read_file() {
  std::string path = flags_.config.value_or(variable(kConfigVariable));
  if (path.empty()) {
    if (::access(kDefaultConfig, F_OK) != 0) return;
    path = kDefaultConfig;
  }
  gathered_.config_file = path;
  const auto read = read_configuration_file(path, gathered_.options, gathered_.origins);
  if (read) return;
  std::istringstream lines(read.error().message);
  for (std::string line; std::getline(lines, line);) problem(line);
}

void Gatherer::read_environment() {
  std::set<std::string, std::less<>> known = {kConfigVariable};
  std::vector<std::string> options = {kConfigVariable, std::string(kEncryptionKeysVariable)};
  for (const Option& option : table_) {
    options.push_back(option.variable());
    const auto found = environment_.find(option.variable());
    if (found == environment_.end()) continue;
    known.insert(found->first);
    set(option, found->second, {Source::kEnvironment, found->first});
  }
  if (const auto keys = environment_.find(kEncryptionKeysVariable); keys != environment_.end()) {
    known.insert(keys->first);
    gathered_.options.encryption_keys.clear();
    gathered_.origins["encryption_keys"] = {Source::kEnvironment, keys->first};
    for (std::string_view rest = keys->second; !rest.empty();) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
      if (!line.empty()) {
        gathered_.options.encryption_keys.push_back(
            {SecretSource::Kind::kValue, std::string(line)});
      }
    }
    if (gathered_.options.encryption_keys.empty()) problem(keys->first + " must not be empty");
  }
  // Those that the file names hold secrets, and may have any name.
  const auto note_source = [&known](const SecretSource& source) {
    if (source.kind == SecretSource::Kind::kEnvironment) known.insert(source.text);
  };
  for (const NamedSecret& secret : gathered_.options.secrets) note_source(secret.source);
  for (const SecretSource& key : gathered_.options.encryption_keys) note_source(key);
  for (const PreprocessorSetup& preprocessor : gathered_.options.preprocessors) {
    for (const auto& [key, source] : preprocessor.secrets) note_source(source);
  }
  for (const PayloadStorePlace& store : gathered_.options.payload_stores) {
    for (const auto& [key, source] : store.secrets) note_source(source);
  }
  // No problem: Kubernetes sets PATIENT_HTTP_SERVICE_HOST for a Service "patient-http".
  for (const auto& [name, value] : environment_) {
    if (name.starts_with(kPrefix) && !known.contains(name))
      gathered_.warnings.push_back(name + ": no such option" + suggestion(name, options));
  }
}

void Gatherer::read_flags() {
  for (const std::string& unknown : flags_.unknown) problem(unknown);
  for (const Option& option : table_) {
    std::string text;
    bool is_given = false;
    for (const auto& [name, value] : flags_.values) {
      if (name != option.name) continue;
      is_given = true;
      // A list is given item by item.
      if (!is_list(option.value)) text.clear();
      text.append(value).append(is_list(option.value) ? " " : "");
    }
    if (is_given) set(option, text, {Source::kFlag, option.flag()});
  }
}

// One of the two, whichever was given nearer to the command line; by default the Redis that the
// environment names, as it does for Sidekiq.
void Gatherer::choose_store() {
  ServeOptions& options = gathered_.options;
  const Source redis = origin("redis_url").source;
  const Source database = origin("database").source;
  if (!options.redis.url.empty() && !options.database.empty()) {
    if (redis == database) {
      problem(origin("redis_url").place + " and " + origin("database").place +
              ": give one of them, jobs are kept in one place");
    }
    (redis < database ? options.redis.url : options.database).clear();
  }
  if (!options.redis.url.empty() || !options.database.empty()) return;
  std::string name = "REDIS_URL";
  if (const std::string provider = variable("REDIS_PROVIDER"); !provider.empty()) {
    if (provider.find(':') != std::string::npos) {
      problem(
          "REDIS_PROVIDER holds the name of the variable with the url, such as REDISCLOUD_URL, not "
          "the url itself");
      return;
    }
    name = provider;
    if (variable(name).empty()) {
      problem("REDIS_PROVIDER names " + name + ", which is not set");
      return;
    }
  }
  options.redis.url = variable(name);
  gathered_.origins["redis_url"] = {Source::kEnvironment, name};
  if (options.redis.url.empty()) {
    gathered_.origins.erase("redis_url");
    problem(
        "nothing says where jobs are kept: give --redis URL or --database FILE, or set REDIS_URL");
  }
}

// By default the first of those that systemd made for this service (StateDirectory=).
void Gatherer::choose_state_directory() {
  std::string& directory = gathered_.options.state_directory;
  const std::string made = variable("STATE_DIRECTORY");
  if (origin("state_directory").source != Source::kDefault || made.empty()) return;
  directory = made.substr(0, made.find(':'));
  gathered_.origins["state_directory"] = {Source::kEnvironment, "STATE_DIRECTORY"};
}

// The sentences of validate() begin with the option that they are about, or with its kind.
void Gatherer::check_values() {
  ServeOptions options = gathered_.options;
  if (options.redis.url.empty() && options.database.empty()) options.redis.url = RedisOptions().url;
  for (const std::string& text : validate(options)) {
    const auto about = [&text](const std::string& name) { return text.starts_with(name + " "); };
    const auto option = std::find_if(table_.begin(), table_.end(), [&](const Option& each) {
      return about(each.path()) || (each.section != "redis" && about(std::string(each.key)));
    });
    if (option != table_.end()) {
      problem_of(option->name, text);
    } else if (text.starts_with("client_certificates")) {
      problem_of("client_certificates", text);
    } else if (text.starts_with("the callback queue")) {
      problem_of("callback_queue", text);
    } else {
      problem_of("queues", text);
    }
  }
}

void Gatherer::check_readable(std::string_view name, const std::string& what,
                              const std::string& path) {
  if (!path.empty() && ::access(path.c_str(), R_OK) != 0)
    problem_of(name, what + " " + path + " cannot be read");
}

void Gatherer::check_writable(std::string_view name, const std::string& what,
                              const std::string& folder) {
  const std::string path = folder.empty() ? "." : folder;
  if (::access(path.c_str(), W_OK | X_OK) != 0)
    problem_of(name, what + " cannot be written: " + path + " is no directory that is writable");
}

// Of a directory that is made, with those above it: the nearest one that is there.
std::string nearest_folder(std::filesystem::path folder) {
  std::error_code ignored;
  while (folder.has_relative_path() && !std::filesystem::exists(folder, ignored))
    folder = folder.parent_path();
  return folder.string();
}

void Gatherer::check_files() {
  const ServeOptions& options = gathered_.options;
  const auto folder_of = [](const std::string& path) {
    return std::filesystem::path(path).parent_path().string();
  };
  check_readable("ca_file", "ca_file", options.processor.ca_file);
  // The key is opened now, or the start would fail.
  for (const ClientCertificatePlace& certificate : options.client_certificates) {
    if (const auto checked = certificate.certificate().check_files(); !checked)
      problem_of("client_certificates", checked.error().message);
  }
  if (!options.redis.url.empty())
    check_readable("redis_ca_file", "redis.ca_file", options.redis.ca_file);
  if (!options.database.empty())
    check_writable("database", "the database " + options.database, folder_of(options.database));
  if (!options.log_file.empty() && ::access(options.log_file.c_str(), W_OK) != 0)
    check_writable("log_file", "the log file " + options.log_file, folder_of(options.log_file));
  if (!options.state_directory.empty()) {
    check_writable("state_directory", "state_directory " + options.state_directory,
                   nearest_folder(options.state_directory));
  }
  for (const PayloadStorePlace& store : options.payload_stores) {
    const std::string name = "payload_stores." + store.name;
    if (store.type == PayloadStorePlace::Type::kRedis) {
      const auto redis = complete_options(store, options.redis);
      for (const std::string& wrong : redis.validate())
        problem_of(name, std::string(name).append(": ").append(wrong));
      if (redis.url.empty()) problem_of(name, name + " needs a url: jobs are not in Redis");
      check_readable(name, name + ": ca_file", redis.ca_file);
      continue;
    }
    if (store.type == PayloadStorePlace::Type::kS3) {
      check_readable(name, name + ": ca_file", store.s3.ca_file);
      // It is opened at once.
      for (const auto& [key, source] : store.secrets) {
        if (const std::string wrong = source.problem(); !wrong.empty())
          problem_of(name, std::string(name).append(".").append(key).append(": ").append(wrong));
      }
      continue;
    }
    const bool is_file = store.type == PayloadStorePlace::Type::kFile;
    check_writable(name, "the payload store " + store.name,
                   is_file ? nearest_folder(store.path) : folder_of(store.path));
  }
}

// A secret is looked up when a request is sent: it may come later. A key is needed at once.
void Gatherer::check_secrets() {
  for (const SecretSource& key : gathered_.options.encryption_keys) {
    if (const std::string wrong = key.problem(); !wrong.empty())
      problem_of("encryption_keys", "encryption.keys: " + wrong);
  }
  const auto check_later = [this](const std::string& name, const std::string& key,
                                  const SecretSource& source) {
    const std::string wrong = source.problem();
    if (!wrong.empty())
      gathered_.warnings.push_back(origin(name).place + ": " + name + key + ": " + wrong);
  };
  for (const NamedSecret& secret : gathered_.options.secrets)
    check_later("secrets." + secret.name, "", secret.source);
  for (const PreprocessorSetup& preprocessor : gathered_.options.preprocessors) {
    for (const auto& [key, source] : preprocessor.secrets)
      check_later("preprocessors." + preprocessor.name, "." + key, source);
  }
}

// Those that do not fit would end in error callbacks.
void Gatherer::check_open_files() {
  const std::string wrong =
      open_files_problem("max_connections", gathered_.options.processor.max_connections,
                         "LimitNOFILE= of systemd, ulimit -n");
  if (!wrong.empty()) problem_of("max_connections", wrong);
}

}  // namespace

Environment current_environment() {
  Environment environment;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view entry = *each;
    const std::size_t equals = entry.find('=');
    if (equals != std::string_view::npos)
      environment.emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return environment;
}

std::string GatheredOptions::store_text() const {
  if (!options.database.empty()) return "the database " + options.database;
  return base::redact_url(options.redis.url);
}

GatheredOptions gather_options(const GivenFlags& flags, const Environment& environment) {
  return Gatherer(flags, environment).gather();
}

std::string configuration_text(GatheredOptions gathered) {
  ServeOptions& options = gathered.options;
  const auto place = [&](const std::string& name) {
    const auto found = gathered.origins.find(name);
    return "  # " + (found == gathered.origins.end() ? "default" : found->second.place) + "\n";
  };
  const bool uses_redis = options.database.empty();
  options.redis.url = masked_url(options.redis.url);
  options.processor.proxy_url = masked_url(options.processor.proxy_url);
  std::string text;
  std::string_view section;
  for (const Option& option : options_of(options)) {
    if (option.section == "redis" ? !uses_redis : option.key == "database" && uses_redis) continue;
    if (option.section != section) {
      text.append(section.empty() ? "[" : "\n[").append(option.section).append("]\n");
      section = option.section;
    }
    const std::string value = toml_of(option.value);
    text += value.empty()
                ? "# " + std::string(option.key) + " is not set\n"
                : std::string(option.key) + " = " + value + place(std::string(option.name));
    if (option.name == "payload_threshold") {
      for (const PayloadStorePlace& store : options.payload_stores) {
        text += toml_key(store.name) + " = " + masked_toml(store) +
                place("payload_stores." + store.name);
      }
    }
    if (option.name == "encryption_serializer") {
      std::string keys;
      for (const SecretSource& key : options.encryption_keys)
        keys += (keys.empty() ? "" : ", ") + key.masked_toml();
      text += "keys = [" + keys + "]" + place("encryption_keys");
    }
  }
  for (const ClientCertificatePlace& certificate : options.client_certificates)
    text += "\n" + certificate.masked_toml(place("client_certificates"));
  if (!options.secrets.empty()) text += "\n[secrets]\n";
  for (const NamedSecret& secret : options.secrets) {
    text += toml_key(secret.name) + " = " + secret.source.masked_toml() +
            place("secrets." + secret.name);
  }
  if (!options.preprocessors.empty()) text += "\n[preprocessors]\n";
  for (const PreprocessorSetup& preprocessor : options.preprocessors) {
    text += toml_key(preprocessor.name) + " = " + preprocessor.masked_toml() +
            place("preprocessors." + preprocessor.name);
  }
  return text;
}

}  // namespace patient_http::daemon
