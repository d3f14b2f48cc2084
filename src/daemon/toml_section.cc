#include "daemon/toml_section.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <type_traits>

#include "daemon/nearest_name.h"

namespace patient_http::daemon {

namespace {

using Text = std::optional<std::string>;

Text integer_text(const toml::node& node) {
  const auto* number = node.as_integer();
  return number != nullptr ? Text(std::to_string(number->get())) : std::nullopt;
}

Text number_text(const toml::node& node) {
  const auto* number = node.as_floating_point();
  if (number == nullptr) return integer_text(node);
  std::array<char, 40> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number->get()).ptr;
  return std::string(text.data(), end);
}

Text boolean_text(const toml::node& node) {
  const auto* truth = node.as_boolean();
  return truth != nullptr ? Text(truth->get() ? "true" : "false") : std::nullopt;
}

Text queue_text(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  const auto* table = node.as_table();
  if (table == nullptr) return std::nullopt;
  const auto name = (*table)["name"].value_exact<std::string>();
  const auto weight = (*table)["weight"].value_exact<std::int64_t>();
  const auto shared = (*table)["shared"].value_exact<bool>();
  const std::size_t known = (name ? 1U : 0U) + (weight ? 1U : 0U) + (shared ? 1U : 0U);
  if (!name || known != table->size()) return std::nullopt;
  return *name + (weight ? "," + std::to_string(*weight) : "") +
         (shared.value_or(false) ? ",shared" : "");
}

// What set_option() takes for `node`; nothing when the node's type is not the option's.
Text text_of(const toml::node& node, const bool&) {
  return boolean_text(node);
}
Text text_of(const toml::node& node, const int&) {
  return integer_text(node);
}
Text text_of(const toml::node& node, const std::size_t&) {
  return integer_text(node);
}
Text text_of(const toml::node& node, const std::optional<int>&) {
  return node.is_boolean() ? boolean_text(node) : integer_text(node);
}
template <class Period, class Rep>
Text text_of(const toml::node& node, const std::chrono::duration<Rep, Period>&) {
  return number_text(node);
}
Text text_of(const toml::node& node, const std::optional<Seconds>&) {
  return number_text(node);
}
Text text_of(const toml::node& node, const std::optional<HttpProtocol>&) {
  const auto* text = node.as_string();
  return text != nullptr ? Text(text->get()) : std::nullopt;
}
Text text_of(const toml::node& node, const std::vector<RedisQueue>&) {
  const auto* list = node.as_array();
  if (list == nullptr) return std::nullopt;
  std::string text;
  for (const toml::node& item : *list) {
    const auto queue = queue_text(item);
    if (!queue || queue->find_first_of(" \t\n") != std::string::npos) return std::nullopt;
    text += *queue + " ";
  }
  return text;
}
Text text_of(const toml::node& node, const std::vector<HostLimit>&) {
  const auto* list = node.as_array();
  if (list == nullptr) return std::nullopt;
  std::string text;
  for (const toml::node& item : *list) {
    const auto* table = item.as_table();
    if (table == nullptr) return std::nullopt;
    const auto host = (*table)["host"].value_exact<std::string>();
    const auto requests = (*table)["max_requests"].value_exact<std::int64_t>();
    const auto connections = (*table)["max_connections"].value_exact<std::int64_t>();
    const std::size_t known = (host ? 1U : 0U) + (requests ? 1U : 0U) + (connections ? 1U : 0U);
    if (!host || known != table->size() || host->find_first_of(", \t\n") != std::string::npos) {
      return std::nullopt;
    }
    text.append(*host);
    if (requests) text.append(",max_requests=").append(std::to_string(*requests));
    if (connections) text.append(",max_connections=").append(std::to_string(*connections));
    text.append(" ");
  }
  return text;
}
Text text_of(const toml::node& node, const RetryOn&) {
  const auto* list = node.as_array();
  if (list == nullptr) return std::nullopt;
  std::string text;
  for (const toml::node& item : *list) {
    const auto* word = item.as_string();
    const Text cause = word != nullptr ? Text(word->get()) : integer_text(item);
    if (!cause) return std::nullopt;
    text.append(*cause).append(" ");
  }
  return text;
}
// A text must be one item of the list, and have nothing in it that separates them.
Text text_of(const toml::node& node, const std::vector<std::string>&) {
  const auto* list = node.as_array();
  if (list == nullptr) return std::nullopt;
  std::string text;
  for (const toml::node& item : *list) {
    const auto* word = item.as_string();
    if (word == nullptr || word->get().empty() ||
        word->get().find_first_of(", \t\n") != std::string::npos) {
      return std::nullopt;
    }
    text.append(word->get()).append(" ");
  }
  return text;
}
Text text_of(const toml::node& node, const std::vector<std::uint16_t>&) {
  const auto* list = node.as_array();
  if (list == nullptr) return std::nullopt;
  std::string text;
  for (const toml::node& item : *list) {
    const Text port = integer_text(item);
    if (!port) return std::nullopt;
    text.append(*port).append(" ");
  }
  return text;
}
// Texts, and options that are one of some words.
template <class T>
requires std::is_enum_v<T> || std::is_same_v<T, std::string> Text text_of(const toml::node& node,
                                                                          const T&) {
  const auto* text = node.as_string();
  return text != nullptr ? Text(text->get()) : std::nullopt;
}

std::string wrong_type(const OptionValue& option) {
  if (std::holds_alternative<std::string*>(option)) return "must be a text in quotes";
  if (std::holds_alternative<std::vector<RedisQueue>*>(option)) {
    return "must be a list of \"NAME[,WEIGHT][,shared]\" or { name = \"NAME\", weight = 1, shared "
           "= true }, names without spaces";
  }
  if (std::holds_alternative<std::vector<HostLimit>*>(option)) {
    return "must be a list of { host = \"HOST\", max_requests = N, max_connections = N }";
  }
  if (std::holds_alternative<std::vector<std::string>*>(option)) {
    return "must be a list of texts in quotes, one for each item";
  }
  if (std::holds_alternative<std::vector<std::uint16_t>*>(option)) {
    return "must be a list of ports from 1 to 65535";
  }
  if (std::holds_alternative<RetryOn*>(option)) {
    return "must be a list of \"connection\", \"timeout\" and statuses from 400 to 599";
  }
  return set_option(option, "").value_or("");  // which none of the others takes
}

}  // namespace

void TomlProblems::add(const toml::source_position& place, const std::string& problem) {
  problems_.emplace(place.line, problem);
}

std::string TomlProblems::text() const {
  std::string text;
  for (const auto& [line, problem] : problems_) {
    text.append(text.empty() ? "" : "\n").append(path_).append(":");
    text.append(std::to_string(line)).append(": ").append(problem);
  }
  return text;
}

std::string TomlSection::full_name(std::string_view key) const {
  return name_.empty() ? std::string(key) : name_ + "." + std::string(key);
}

void TomlSection::problem(const toml::node& at, std::string_view key, const std::string& problem) {
  problems_.add(at.source().begin, full_name(key) + " " + problem);
}

const toml::node* TomlSection::find(std::string_view key) {
  known_.emplace_back(key);
  return table_.get(key);
}

std::optional<toml::source_index> TomlSection::read(std::string_view key,
                                                    const OptionValue& option) {
  const toml::node* node = find(key);
  if (node == nullptr) return std::nullopt;
  const auto text = std::visit([node](auto* place) { return text_of(*node, *place); }, option);
  const auto wrong = text ? set_option(option, *text) : wrong_type(option);
  if (!wrong) return node->source().begin.line;
  problem(*node, key, *wrong);
  return std::nullopt;
}

void TomlSection::read_node(std::string_view key,
                            const std::function<void(const toml::node&)>& read) {
  if (const toml::node* node = find(key)) read(*node);
}

void TomlSection::read(std::string_view key,
                       const std::function<void(TomlSection&)>& read_section) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const toml::table* table = node->as_table();
  if (table == nullptr) {
    problem(*node, key, "must be a table");
    return;
  }
  TomlSection section(*table, full_name(key), problems_);
  read_section(section);
  section.end();
}

void TomlSection::for_each(
    const std::function<void(const std::string& key, const toml::node& value)>& read) {
  for (const auto& [key, value] : table_) {
    known_.emplace_back(key.str());
    read(std::string(key.str()), value);
  }
}

void TomlSection::end() {
  std::sort(known_.begin(), known_.end());
  for (const auto& [key, value] : table_) {
    if (std::binary_search(known_.begin(), known_.end(), std::string(key.str()))) continue;
    std::string hint = "; known are: ";
    if (const std::string* nearest = nearest_name(key.str(), known_)) {
      hint = "; did you mean " + *nearest + "?";
    } else {
      for (const std::string& known : known_) hint.append(known).append(", ");
      hint.resize(hint.size() - std::string_view(", ").size());
    }
    problems_.add(key.source().begin, "unknown key " + full_name(key.str()) + hint);
  }
}

}  // namespace patient_http::daemon
