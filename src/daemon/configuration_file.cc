#include "daemon/configuration_file.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/toml_section.h"
#include "daemon/whole_file.h"
#include "payload/payload_reference.h"

namespace patient_http::daemon {

namespace {

using payload::PayloadReference;

// Reads one file over the options.
class FileReader {
 public:
  FileReader(const std::string& path, ServeOptions& options, Origins& origins)
      : path_(path),
        folder_(std::filesystem::path(path).parent_path()),
        options_(options),
        table_(options_of(options)),
        origins_(origins) {}

  void read(TomlSection& root) {
    for (const char* name :
         {"processor", "network_policy", "untrusted_network_policy", "redis", "service", "log"}) {
      root.read(name, [&](TomlSection& section) { read_options(section, name); });
    }
    root.read("payload_stores", [this](TomlSection& section) { read_payload_stores(section); });
    root.read("encryption", [this](TomlSection& section) { read_encryption(section); });
    root.read("secrets", [this](TomlSection& section) { read_secrets(section); });
  }

 private:
  static constexpr const char* kSourceForms =
      "must be the value in quotes, or { env = \"NAME\" }, { file = \"PATH\" } or { command = "
      "\"…\" }";
  static constexpr const char* kStoreForms =
      "must be { type = \"file\", directory = \"PATH\" }, { type = \"sqlite\", database = "
      "\"PATH\" } or { type = \"redis\", url = \"URL\", prefix = \"TEXT\", lifetime = SECONDS, "
      "second_copy_lifetime = SECONDS, ca_file = \"PATH\" }, with type alone required";

  void note(const std::string& name, toml::source_index line) {
    origins_[name] = {Origin::Source::kFile, path_ + ":" + std::to_string(line)};
  }

  void read_options(TomlSection& section, std::string_view name) {
    for (const Option& option : table_) {
      if (option.section != name) continue;
      if (const auto line = section.read(option.key, option.value))
        note(std::string(option.name), *line);
    }
  }

  // In the order of the file, which the parser does not keep.
  void read_payload_stores(TomlSection& section) {
    read_options(section, "payload_stores");
    std::vector<std::pair<std::string, const toml::node*>> stores;
    section.for_each([&](const std::string& name, const toml::node& value) {
      if (name != "threshold") stores.emplace_back(name, &value);
    });
    std::sort(stores.begin(), stores.end(), [](const auto& a, const auto& b) {
      const auto place = [](const toml::node& node) {
        return std::pair(node.source().begin.line, node.source().begin.column);
      };
      return place(*a.second) < place(*b.second);
    });
    options_.payload_stores.clear();
    for (const auto& [name, value] : stores) read_payload_store(section, name, *value);
  }

  void read_payload_store(TomlSection& section, const std::string& name, const toml::node& value) {
    if (!PayloadReference::is_valid_store_name(name)) {
      section.problem(value, name, "must have a name of 1 to 64 letters, digits, '_', '-' or '.'");
      return;
    }
    const toml::table* table = value.as_table();
    const auto text = [&](std::string_view key) {
      return table == nullptr ? "" : (*table)[key].value_exact<std::string>().value_or("");
    };
    if (text("type") == "redis") {
      read_redis_store(section, name, *table);
      return;
    }
    const bool is_file = text("type") == "file";
    const std::string path = text(is_file ? "directory" : "database");
    if ((!is_file && text("type") != "sqlite") || path.empty() || table->size() != 2) {
      section.problem(value, name, kStoreForms);
      return;
    }
    using Type = PayloadStorePlace::Type;
    options_.payload_stores.push_back(
        {name, is_file ? Type::kFile : Type::kSqlite, (folder_ / path).string()});
    note("payload_stores." + name, value.source().begin.line);
  }

  void read_redis_store(TomlSection& section, const std::string& name, const toml::table& table) {
    PayloadStorePlace place{name, PayloadStorePlace::Type::kRedis};
    bool is_right = true;
    for (const auto& [key, value] : table) {
      const auto text = value.value_exact<std::string>();
      if (key == "type") {
        continue;
      } else if (key == "url" && text && !text->empty()) {
        place.redis.url = *text;
      } else if (key == "prefix" && text) {
        place.redis.prefix = *text;
      } else if (key == "ca_file" && text) {
        place.redis.ca_file = text->empty() ? "" : (folder_ / *text).string();
      } else if (key == "lifetime" && value.is_number()) {
        is_right = read_lifetime(value, place.redis.lifetime) && is_right;
      } else if (key == "second_copy_lifetime" && value.is_number()) {
        is_right = read_lifetime(value, place.redis.second_copy_lifetime) && is_right;
      } else {
        is_right = false;
      }
    }
    if (!is_right) {
      section.problem(table, name, kStoreForms);
      return;
    }
    options_.payload_stores.push_back(std::move(place));
    note("payload_stores." + name, table.source().begin.line);
  }

  static bool read_lifetime(const toml::node& value,
                            std::optional<std::chrono::milliseconds>& lifetime) {
    constexpr double kLongest = 1e9;
    const Seconds seconds(value.value<double>().value_or(-1));
    if (!(seconds.count() > 0 && seconds.count() <= kLongest)) return false;
    lifetime = std::chrono::ceil<std::chrono::milliseconds>(seconds);
    return true;
  }

  void read_encryption(TomlSection& section) {
    read_options(section, "encryption");
    section.read_node("keys", [&](const toml::node& node) {
      options_.encryption_keys.clear();
      note("encryption_keys", node.source().begin.line);
      const toml::array* list = node.as_array();
      if (list == nullptr) {
        add_key(section, node);
      } else {
        for (const toml::node& each : *list) add_key(section, each);
      }
    });
  }

  void add_key(TomlSection& section, const toml::node& node) {
    auto source = source_of(section, "keys", node);
    if (!source) return;
    if (source->kind == SecretSource::Kind::kValue && source->text.empty())
      section.problem(node, "keys", "must not be empty");
    options_.encryption_keys.push_back(std::move(*source));
  }

  void read_secrets(TomlSection& section) {
    options_.secrets.clear();
    section.for_each([&](const std::string& name, const toml::node& value) {
      if (name.empty()) {
        section.problem(value, name, "must have a name");
      } else if (auto source = source_of(section, name, value)) {
        options_.secrets.push_back({name, std::move(*source)});
        note("secrets." + name, value.source().begin.line);
      }
    });
  }

  // A text is the value itself, a table says where it is. Relative names of files are meant from
  // the file's folder on.
  std::optional<SecretSource> source_of(TomlSection& section, const std::string& name,
                                        const toml::node& node) {
    using Kind = SecretSource::Kind;
    if (const auto* literal = node.as_string()) return SecretSource{Kind::kValue, literal->get()};
    static const toml::table kNone;
    const toml::table& table = node.is_table() ? *node.as_table() : kNone;
    const auto text = [&](std::string_view key) {
      return table[key].value_exact<std::string>().value_or("");
    };
    const std::string variable = text("env");
    const std::string file = text("file");
    const std::string command = text("command");
    const int sources = !variable.empty() + !file.empty() + !command.empty();
    const bool has_lifetime = !command.empty() && table["lifetime"].is_number();
    if (sources != 1 || table.size() != (has_lifetime ? 2U : 1U)) {
      section.problem(node, name, kSourceForms);
      return std::nullopt;
    }
    if (!variable.empty()) return SecretSource{Kind::kEnvironment, variable};
    if (!file.empty()) return SecretSource{Kind::kFile, (folder_ / file).string()};
    SecretSource source{Kind::kCommand, command};
    if (!has_lifetime) return source;
    constexpr double kLongest = 1e9;
    source.lifetime = Seconds(table["lifetime"].value<double>().value_or(-1));
    if (source.lifetime->count() >= 0 && source.lifetime->count() <= kLongest) return source;
    section.problem(node, name, "must have a lifetime of 0 or more seconds");
    return std::nullopt;
  }

  const std::string& path_;
  const std::filesystem::path folder_;
  ServeOptions& options_;
  const std::vector<Option> table_;
  Origins& origins_;
};

// What the parser says, without the piece of the file that it cites: it may be a secret.
std::string without_citation(std::string_view description) {
  return std::string(description.substr(0, description.find_first_of("'\"")));
}

}  // namespace

Result<void> read_configuration_file(const std::string& path, ServeOptions& options,
                                     Origins& origins) {
  const auto text = read_whole_file(path);
  if (!text) return unexpected(text.error());
  TomlProblems problems(path);
  try {
    const toml::table file = toml::parse(*text);
    TomlSection root(file, "", problems);
    FileReader(path, options, origins).read(root);
    root.end();
  } catch (const toml::parse_error& error) {
    problems.add(error.source().begin, "no valid TOML: " + without_citation(error.description()));
  }
  if (!problems.empty()) return failure(problems.text());
  return {};
}

Result<void> read_configuration_file(const std::string& path, ProcessorOptions& options) {
  ServeOptions all;
  all.processor = options;
  Origins origins;
  auto read = read_configuration_file(path, all, origins);
  if (!read) return read;
  options = all.processor;
  register_secrets(all.secrets, options.secrets);
  return {};
}

}  // namespace patient_http::daemon
