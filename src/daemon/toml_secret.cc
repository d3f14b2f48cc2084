#include "daemon/toml_secret.h"

#include <string_view>

namespace patient_http::daemon {

namespace {

std::string known_forms(SecretForms forms) {
  const std::string others =
      forms == SecretForms::kSources ? "" : "{ secret = \"NAME\" } for one of [secrets], ";
  return "must be the value in quotes, or " + others +
         "{ env = \"NAME\" }, { file = \"PATH\" } or { command = \"…\" }";
}

}  // namespace

std::optional<SecretSource> read_secret(TomlSection& section, const std::string& key,
                                        const toml::node& node, const std::filesystem::path& folder,
                                        SecretForms forms) {
  using Kind = SecretSource::Kind;
  if (const auto* literal = node.as_string()) return SecretSource{Kind::kValue, literal->get()};
  static const toml::table kNone;
  const toml::table& table = node.is_table() ? *node.as_table() : kNone;
  const auto text = [&](std::string_view form) {
    return table[form].value_exact<std::string>().value_or("");
  };
  const std::string variable = text("env");
  const std::string file = text("file");
  const std::string command = text("command");
  const std::string name = forms == SecretForms::kSources ? "" : text("secret");
  const int given = !variable.empty() + !file.empty() + !command.empty() + !name.empty();
  const bool has_lifetime = !command.empty() && table["lifetime"].is_number();
  if (given != 1 || table.size() != (has_lifetime ? 2U : 1U)) {
    section.problem(node, key, known_forms(forms));
    return std::nullopt;
  }
  if (!variable.empty()) return SecretSource{Kind::kEnvironment, variable};
  if (!file.empty()) return SecretSource{Kind::kFile, (folder / file).string()};
  if (!name.empty()) return SecretSource{Kind::kReference, name};
  SecretSource source{Kind::kCommand, command};
  if (!has_lifetime) return source;
  constexpr double kLongest = 1e9;
  source.lifetime = Seconds(table["lifetime"].value<double>().value_or(-1));
  if (source.lifetime->count() >= 0 && source.lifetime->count() <= kLongest) return source;
  section.problem(node, key, "must have a lifetime of 0 or more seconds");
  return std::nullopt;
}

}  // namespace patient_http::daemon
