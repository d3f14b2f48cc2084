#include "daemon/configuration_file.h"

#include <filesystem>
#include <string_view>

#include "daemon/toml_section.h"
#include "daemon/whole_file.h"
#include "patient_http/secret_sources.h"

namespace patient_http::daemon {

namespace {

void read_processor(TomlSection& section, ProcessorOptions& options) {
  section.read("max_connections", options.max_connections);
  section.read("request_timeout", options.request_timeout);
  section.read("resolve_timeout", options.resolve_timeout);
  section.read("connection_timeout", options.connection_timeout);
  section.read("first_byte_timeout", options.first_byte_timeout);
  section.read("idle_timeout", options.idle_timeout);
  section.read("max_response_size", options.max_response_size);
  section.read("max_header_size", options.max_header_size);
  section.read("max_header_count", options.max_header_count);
  section.read("body_memory", options.body_memory);
  section.read("max_redirects", options.max_redirects);
  section.read("retries", options.retries);
  section.read("retry_delay", options.retry_delay);
  section.read("longest_retry_delay", options.longest_retry_delay);
  section.read("connection_pool_size", options.connection_pool_size);
  section.read("max_idle_connections", options.max_idle_connections);
  section.read("idle_connection_lifetime", options.idle_connection_lifetime);
  section.read("user_agent", options.user_agent);
  section.read("raise_error_responses", options.raise_error_responses);
  section.read("ca_file", options.ca_file);
  section.read("name_servers", options.name_servers);
  section.read("delivery_threads", options.delivery_threads);
  section.read("preparer_threads", options.preparer_threads);
}

// Where a secret comes from: a text is the value itself, a table says where the value is.
class SecretReader {
 public:
  // Relative names of files are meant from `folder` on.
  SecretReader(TomlSection& section, std::filesystem::path folder, SecretManager& secrets)
      : section_(section), folder_(std::move(folder)), secrets_(secrets) {}

  void read(const std::string& name, const toml::node& value) {
    if (name.empty()) {
      section_.problem(value, name, "must have a name");
    } else if (const auto* literal = value.as_string()) {
      secrets_.register_secret(name, literal->get());
    } else if (const auto* table = value.as_table()) {
      read_source(name, *table);
    } else {
      section_.problem(value, name, kForms);
    }
  }

 private:
  static constexpr const char* kForms =
      "must be the value in quotes, or { env = \"NAME\" }, { file = \"PATH\" } or { command = "
      "\"…\" }";

  void read_source(const std::string& name, const toml::table& table) {
    const auto text = [&](std::string_view key) {
      return table[key].value_exact<std::string>().value_or("");
    };
    const std::string variable = text("env");
    const std::string file = text("file");
    const std::string command = text("command");
    const int sources = !variable.empty() + !file.empty() + !command.empty();
    const bool has_lifetime = !command.empty() && table["lifetime"].is_number();
    if (sources != 1 || table.size() != (has_lifetime ? 2U : 1U)) {
      section_.problem(table, name, kForms);
    } else if (!variable.empty()) {
      secrets_.register_secret(name, secret_from_environment(variable));
    } else if (!file.empty()) {
      secrets_.register_secret(name, secret_from_file((folder_ / file).string()));
    } else {
      secrets_.register_secret(name, from_command(name, table, command));
    }
  }

  SecretFunction from_command(const std::string& name, const toml::table& table,
                              const std::string& command) {
    SecretCommandOptions options;
    if (const auto seconds = table["lifetime"].value<double>()) {
      constexpr double kLongest = 1e9;
      if (*seconds >= 0 && *seconds <= kLongest) {
        options.lifetime =
            std::chrono::duration_cast<std::chrono::steady_clock::duration>(Seconds(*seconds));
      } else {
        section_.problem(table, name, "must have a lifetime of 0 or more seconds");
      }
    }
    return secret_from_command(command, options);
  }

  TomlSection& section_;
  const std::filesystem::path folder_;
  SecretManager& secrets_;
};

// What the parser says, without the piece of the file that it cites: it may be a secret.
std::string without_citation(std::string_view description) {
  return std::string(description.substr(0, description.find_first_of("'\"")));
}

}  // namespace

Result<void> read_configuration_file(const std::string& path, ProcessorOptions& options) {
  const auto text = read_whole_file(path);
  if (!text) return unexpected(text.error());
  TomlProblems problems(path);
  try {
    const toml::table file = toml::parse(*text);
    TomlSection root(file, "", problems);
    root.read("processor", [&](TomlSection& section) { read_processor(section, options); });
    root.read("secrets", [&](TomlSection& section) {
      SecretReader reader(section, std::filesystem::path(path).parent_path(), options.secrets);
      section.for_each(
          [&](const std::string& name, const toml::node& value) { reader.read(name, value); });
    });
    root.end();
  } catch (const toml::parse_error& error) {
    problems.add(error.source().begin, "no valid TOML: " + without_citation(error.description()));
  }
  if (!problems.empty()) return failure(problems.text());
  return {};
}

}  // namespace patient_http::daemon
