#include "daemon/preprocessor_section.h"

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "daemon/toml_secret.h"

namespace patient_http::daemon {

namespace {

using Type = PreprocessorSetup::Type;

constexpr std::array kTypes = {Type::kAwsSigV4, Type::kHmac, Type::kBearer};
constexpr std::array kAlgorithms = {HmacAlgorithm::kSha1, HmacAlgorithm::kSha256,
                                    HmacAlgorithm::kSha512};
constexpr std::array kEncodings = {SignatureEncoding::kHex, SignatureEncoding::kBase64};

// Reads one of them.
class Reader {
 public:
  Reader(TomlSection& section, const toml::node& table, const std::filesystem::path& folder,
         const std::function<bool(const std::string&)>& has_secret)
      : section_(section), table_(table), folder_(folder), has_secret_(has_secret) {}

  std::optional<PreprocessorSetup> read(const std::string& name) {
    setup_.name = name;
    const toml::node* type = nullptr;
    section_.read_node("type", [&](const toml::node& node) { type = &node; });
    if (type == nullptr || !read_word(*type, kTypes, setup_.type)) {
      section_.problem(type != nullptr ? *type : table_, "type",
                       "must be one of: " + words_of(kTypes));
      section_.for_each([](const std::string&, const toml::node&) {});  // of whatever type
      return std::nullopt;
    }
    if (setup_.type == Type::kAwsSigV4) {
      read_aws();
    } else if (setup_.type == Type::kHmac) {
      read_hmac();
    } else {
      read_secret_of("token");
    }
    // What could not be read has been told already, and may look like something else now.
    if (is_right_) check();
    return is_right_ ? std::optional(std::move(setup_)) : std::nullopt;
  }

 private:
  void read_aws() {
    read_option("service", &setup_.aws.service);
    read_option("region", &setup_.aws.region);
    read_option("signs_body", &setup_.aws.signs_body);
    for (const char* key : {"access_key_id", "secret_access_key", "session_token"})
      read_secret_of(key);
  }

  void read_hmac() {
    read_option("header", &setup_.hmac.header);
    read_option("prefix", &setup_.hmac.prefix);
    read_option("separator", &setup_.hmac.separator);
    read_option("timestamp_header", &setup_.hmac.timestamp_header);
    read_word_of("algorithm", kAlgorithms, setup_.hmac.algorithm);
    read_word_of("encoding", kEncodings, setup_.hmac.encoding);
    section_.read_node("parts", [this](const toml::node& node) { read_parts(node); });
    read_secret_of("secret");
  }

  void read_option(std::string_view key, const OptionValue& option) {
    section_.read_node(key, [&](const toml::node&) {
      if (!section_.read(key, option)) is_right_ = false;
    });
  }

  void read_secret_of(const std::string& key) {
    section_.read_node(key, [&](const toml::node& node) {
      auto source = read_secret(section_, key, node, folder_, SecretForms::kSourcesAndReferences);
      if (source && source->kind == SecretSource::Kind::kReference && !has_secret_(source->text)) {
        report(node, key, "refers to a secret that [secrets] does not have");
      } else if (source) {
        setup_.secrets.emplace(key, std::move(*source));
      } else {
        is_right_ = false;
      }
    });
  }

  void read_parts(const toml::node& node) {
    setup_.hmac.parts.clear();
    const toml::array* list = node.as_array();
    if (list == nullptr || !(list->empty() || list->is_homogeneous<std::string>())) {
      report(node, "parts", "must be a list of texts in quotes");
      return;
    }
    for (const toml::node& each : *list)
      setup_.hmac.parts.push_back(each.value<std::string>().value_or(""));
  }

  template <class T, std::size_t N>
  static std::string words_of(const std::array<T, N>& values) {
    std::string words;
    for (const T value : values) words.append(words.empty() ? "" : ", ").append(to_string(value));
    return words;
  }

  template <class T, std::size_t N>
  static bool read_word(const toml::node& node, const std::array<T, N>& values, T& place) {
    const auto word = node.value_exact<std::string>();
    for (const T value : values) {
      if (word != to_string(value)) continue;
      place = value;
      return true;
    }
    return false;
  }

  template <class T, std::size_t N>
  void read_word_of(std::string_view key, const std::array<T, N>& values, T& place) {
    section_.read_node(key, [&](const toml::node& node) {
      if (!read_word(node, values, place)) report(node, key, "must be one of: " + words_of(values));
    });
  }

  // At the line of the key with which a sentence begins, or at the table's when it is not there.
  void check() {
    for (const std::string& sentence : setup_.validate()) {
      const std::string key = sentence.substr(0, sentence.find(' '));
      const toml::node* node = &table_;
      section_.read_node(key, [&](const toml::node& found) { node = &found; });
      report(*node, key, sentence.substr(key.size() + 1));
    }
  }

  void report(const toml::node& at, std::string_view key, const std::string& problem) {
    section_.problem(at, key, problem);
    is_right_ = false;
  }

  TomlSection& section_;
  const toml::node& table_;
  const std::filesystem::path& folder_;
  const std::function<bool(const std::string&)>& has_secret_;
  PreprocessorSetup setup_;
  bool is_right_ = true;
};

}  // namespace

std::vector<PreprocessorSetup> read_preprocessors(
    TomlSection& section, const std::filesystem::path& folder,
    const std::function<bool(const std::string&)>& has_secret) {
  std::vector<std::pair<std::string, const toml::node*>> tables;
  section.for_each([&](const std::string& name, const toml::node& value) {
    if (name.empty()) {
      section.problem(value, name, "must have a name");
    } else {
      tables.emplace_back(name, &value);
    }
  });
  std::vector<PreprocessorSetup> setups;
  for (const auto& [name, table] : tables) {
    section.read(name, [&, &each_name = name, &each_table = *table](TomlSection& each) {
      auto setup = Reader(each, each_table, folder, has_secret).read(each_name);
      if (setup) setups.push_back(std::move(*setup));
    });
  }
  return setups;
}

}  // namespace patient_http::daemon
