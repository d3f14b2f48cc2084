#include "daemon/configuration_file.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/payload_store_section.h"
#include "daemon/preprocessor_section.h"
#include "daemon/toml_secret.h"
#include "daemon/toml_section.h"
#include "daemon/whole_file.h"

namespace patient_http::daemon {

namespace {

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
    root.read("encryption", [this](TomlSection& section) { read_encryption(section); });
    root.read_node("client_certificates",
                   [&](const toml::node& node) { read_client_certificates(root, node); });
    root.read("secrets", [this](TomlSection& section) { read_secrets(section); });
    // These may refer to secrets.
    root.read("payload_stores", [this](TomlSection& section) { read_stores(section); });
    root.read("preprocessors", [this](TomlSection& section) { read_preprocessors_of(section); });
  }

 private:
  static constexpr const char* kCertificates = "client_certificates";
  static constexpr const char* kCertificateForm =
      "must be tables [[client_certificates]] of host = \"HOST\", certificate_file = \"PATH\", "
      "and, where needed, key_file = \"PATH\" and passphrase, which is like a secret";

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

  void read_stores(TomlSection& section) {
    read_options(section, "payload_stores");
    options_.payload_stores = read_payload_stores(
        section, folder_, [this](const std::string& name) { return has_secret(name); },
        [this](const std::string& name, toml::source_index line) {
          note("payload_stores." + name, line);
        });
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
    auto source = read_secret(section, "keys", node, folder_);
    if (!source) return;
    if (source->kind == SecretSource::Kind::kValue && source->text.empty())
      section.problem(node, "keys", "must not be empty");
    options_.encryption_keys.push_back(std::move(*source));
  }

  void read_client_certificates(TomlSection& root, const toml::node& node) {
    options_.client_certificates.clear();
    note("client_certificates", node.source().begin.line);
    const toml::array* list = node.as_array();
    if (list == nullptr) {
      root.problem(node, kCertificates, kCertificateForm);
      return;
    }
    for (const toml::node& each : *list) {
      const toml::table* table = each.as_table();
      auto place = table != nullptr ? certificate_of(root, *table) : std::nullopt;
      if (place) {
        options_.client_certificates.push_back(std::move(*place));
      } else {
        root.problem(each, kCertificates, kCertificateForm);
      }
    }
  }

  std::optional<ClientCertificatePlace> certificate_of(TomlSection& root,
                                                       const toml::table& table) {
    ClientCertificatePlace place;
    for (const auto& [key, value] : table) {
      const auto text = value.value_exact<std::string>();
      if (key == "host" && text) {
        place.host = *text;
      } else if (key == "certificate_file" && text && !text->empty()) {
        place.certificate_file = (folder_ / *text).string();
      } else if (key == "key_file" && text && !text->empty()) {
        place.key_file = (folder_ / *text).string();
      } else if (key == "passphrase") {
        place.passphrase = read_secret(root, "client_certificates.passphrase", value, folder_);
      } else {
        return std::nullopt;
      }
    }
    if (place.host.empty() || place.certificate_file.empty()) return std::nullopt;
    return place;
  }

  void read_secrets(TomlSection& section) {
    options_.secrets.clear();
    section.for_each([&](const std::string& name, const toml::node& value) {
      if (name.empty()) {
        section.problem(value, name, "must have a name");
      } else if (auto source = read_secret(section, name, value, folder_)) {
        options_.secrets.push_back({name, std::move(*source)});
        note("secrets." + name, value.source().begin.line);
      }
    });
  }

  [[nodiscard]] bool has_secret(const std::string& name) const {
    return std::any_of(options_.secrets.begin(), options_.secrets.end(),
                       [&](const NamedSecret& secret) { return secret.name == name; });
  }

  void read_preprocessors_of(TomlSection& section) {
    options_.preprocessors = read_preprocessors(
        section, folder_, [this](const std::string& name) { return has_secret(name); });
    section.for_each([this](const std::string& name, const toml::node& value) {
      note("preprocessors." + name, value.source().begin.line);
    });
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
  options = processor_options(all);
  register_secrets(all.secrets, options.secrets);
  register_preprocessors(all.preprocessors, options.secrets, options.preprocessors);
  return {};
}

}  // namespace patient_http::daemon
