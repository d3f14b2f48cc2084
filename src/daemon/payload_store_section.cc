#include "daemon/payload_store_section.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include "daemon/toml_secret.h"
#include "payload/payload_reference.h"

namespace patient_http::daemon {

namespace {

using payload::PayloadReference;
using Type = PayloadStorePlace::Type;

constexpr const char* kStoreForms =
    "must be { type = \"file\", directory = \"PATH\" }, { type = \"sqlite\", database = "
    "\"PATH\" }, { type = \"redis\", url = \"URL\", prefix = \"TEXT\", lifetime = SECONDS, "
    "second_copy_lifetime = SECONDS, ca_file = \"PATH\" }, with type alone required, or { type = "
    "\"s3\", bucket = \"NAME\", region = \"NAME\", access_key_id = …, secret_access_key = … }";
constexpr std::array kCredentials = {"access_key_id", "secret_access_key", "session_token"};

std::optional<std::chrono::milliseconds> milliseconds_of(const toml::node& value) {
  constexpr double kLongest = 1e9;
  const Seconds seconds(value.value<double>().value_or(-1));
  if (!(seconds.count() > 0 && seconds.count() <= kLongest)) return std::nullopt;
  return std::chrono::ceil<std::chrono::milliseconds>(seconds);
}

// Reads one of them.
class Reader {
 public:
  Reader(TomlSection& section, std::string name, const std::filesystem::path& folder,
         const std::function<bool(const std::string&)>& has_secret)
      : section_(section), folder_(folder), has_secret_(has_secret) {
    place_.name = std::move(name);
  }

  std::optional<PayloadStorePlace> read(const toml::node& value) {
    const toml::table* table = value.as_table();
    const std::string type =
        table == nullptr ? "" : (*table)["type"].value_exact<std::string>().value_or("");
    bool is_right = false;
    if (type == "s3") {
      return read_s3(*table) ? std::optional(std::move(place_)) : std::nullopt;
    } else if (type == "redis") {
      is_right = read_redis(*table);
    } else if (type == "file" || type == "sqlite") {
      is_right = read_path(*table, type == "file");
    }
    if (!is_right) section_.problem(value, place_.name, kStoreForms);
    return is_right ? std::optional(std::move(place_)) : std::nullopt;
  }

 private:
  bool read_path(const toml::table& table, bool is_file) {
    const std::string path =
        table[is_file ? "directory" : "database"].value_exact<std::string>().value_or("");
    place_.type = is_file ? Type::kFile : Type::kSqlite;
    place_.path = (folder_ / path).string();
    return !path.empty() && table.size() == 2;
  }

  bool read_redis(const toml::table& table) {
    place_.type = Type::kRedis;
    bool is_right = true;
    for (const auto& [key, value] : table) {
      const auto text = value.value_exact<std::string>();
      if (key == "type") {
        continue;
      } else if (key == "url" && text && !text->empty()) {
        place_.redis.url = *text;
      } else if (key == "prefix" && text) {
        place_.redis.prefix = *text;
      } else if (key == "ca_file" && text) {
        place_.redis.ca_file = text->empty() ? "" : (folder_ / *text).string();
      } else if (key == "lifetime" && value.is_number()) {
        place_.redis.lifetime = milliseconds_of(value);
        is_right = is_right && place_.redis.lifetime;
      } else if (key == "second_copy_lifetime" && value.is_number()) {
        place_.redis.second_copy_lifetime = milliseconds_of(value);
        is_right = is_right && place_.redis.second_copy_lifetime;
      } else {
        is_right = false;
      }
    }
    return is_right;
  }

  // Each of its keys is reported by itself: there are many.
  bool read_s3(const toml::table& table) {
    place_.type = Type::kS3;
    bool is_right = true;
    section_.read(place_.name, [&](TomlSection& keys) {
      keys.read_node("type", [](const toml::node&) {});
      bool uses_paths = false;
      is_right &= read_option(keys, "bucket", &place_.s3.bucket);
      is_right &= read_option(keys, "region", &place_.s3.region);
      is_right &= read_option(keys, "endpoint", &place_.s3.endpoint);
      is_right &= read_option(keys, "prefix", &place_.s3.prefix);
      is_right &= read_option(keys, "time_limit", &place_.s3.time_limit);
      is_right &= read_option(keys, "retries", &place_.s3.retries);
      is_right &= read_option(keys, "ca_file", &place_.s3.ca_file);
      is_right &= read_option(keys, "uses_paths", &uses_paths);
      if (table.contains("uses_paths")) place_.s3.uses_paths = uses_paths;
      if (!place_.s3.ca_file.empty()) place_.s3.ca_file = (folder_ / place_.s3.ca_file).string();
      for (const char* key : kCredentials) is_right &= read_credential(keys, key);
      if (is_right) is_right = check_s3(keys, table);
    });
    return is_right;
  }

  static bool read_option(TomlSection& keys, std::string_view key, const OptionValue& option) {
    bool is_right = true;
    keys.read_node(key, [&](const toml::node&) { is_right = keys.read(key, option).has_value(); });
    return is_right;
  }

  bool read_credential(TomlSection& keys, const std::string& key) {
    bool is_right = true;
    keys.read_node(key, [&](const toml::node& node) {
      auto source = read_secret(keys, key, node, folder_, SecretForms::kSourcesAndReferences);
      is_right = source.has_value();
      if (source && source->kind == SecretSource::Kind::kReference && !has_secret_(source->text)) {
        keys.problem(node, key, "refers to a secret that [secrets] does not have");
        is_right = false;
      }
      if (is_right) place_.secrets.emplace(key, std::move(*source));
    });
    return is_right;
  }

  // The sentences begin with the key that they are about.
  bool check_s3(TomlSection& keys, const toml::table& table) {
    const auto problems = complete_options(place_, SecretManager()).validate();
    for (const std::string& sentence : problems) {
      const std::string key = sentence.substr(0, sentence.find(' '));
      const toml::node* node = table.get(key);
      keys.problem(node != nullptr ? *node : table, key, sentence.substr(key.size() + 1));
    }
    return problems.empty();
  }

  TomlSection& section_;
  const std::filesystem::path& folder_;
  const std::function<bool(const std::string&)>& has_secret_;
  PayloadStorePlace place_;
};

}  // namespace

std::vector<PayloadStorePlace> read_payload_stores(
    TomlSection& section, const std::filesystem::path& folder,
    const std::function<bool(const std::string&)>& has_secret,
    const std::function<void(const std::string& name, toml::source_index line)>& note) {
  std::vector<std::pair<std::string, const toml::node*>> stores;
  section.for_each([&](const std::string& name, const toml::node& value) {
    if (name != "threshold") stores.emplace_back(name, &value);
  });
  // The parser does not keep the order of the file.
  std::sort(stores.begin(), stores.end(), [](const auto& a, const auto& b) {
    const auto place = [](const toml::node& node) {
      return std::pair(node.source().begin.line, node.source().begin.column);
    };
    return place(*a.second) < place(*b.second);
  });
  std::vector<PayloadStorePlace> places;
  for (const auto& [name, value] : stores) {
    if (!PayloadReference::is_valid_store_name(name)) {
      section.problem(*value, name, "must have a name of 1 to 64 letters, digits, '_', '-' or '.'");
      continue;
    }
    auto place = Reader(section, name, folder, has_secret).read(*value);
    if (!place) continue;
    places.push_back(std::move(*place));
    note(name, value->source().begin.line);
  }
  return places;
}

}  // namespace patient_http::daemon
