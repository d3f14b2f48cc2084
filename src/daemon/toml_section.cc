#include "daemon/toml_section.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace patient_http::daemon {

namespace {

std::optional<Seconds> to_seconds(const toml::node& node) {
  const std::optional<double> number =
      node.is_number() ? node.value<double>() : std::optional<double>();
  if (!number || !std::isfinite(*number)) return std::nullopt;
  return Seconds(*number);
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

void TomlSection::read(std::string_view key, bool& into) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  if (const auto* value = node->as_boolean()) {
    into = value->get();
  } else {
    problem(*node, key, "must be true or false");
  }
}

void TomlSection::read(std::string_view key, int& into) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const auto* value = node->as_integer();
  if (value != nullptr && value->get() >= 0 && value->get() <= std::numeric_limits<int>::max()) {
    into = static_cast<int>(value->get());
  } else {
    problem(*node, key, "must be a whole number, 0 or more");
  }
}

void TomlSection::read(std::string_view key, std::size_t& into) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const auto* value = node->as_integer();
  if (value != nullptr && value->get() >= 0) {
    into = static_cast<std::size_t>(value->get());
  } else {
    problem(*node, key, "must be a whole number, 0 or more");
  }
}

void TomlSection::read(std::string_view key, std::string& into) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  if (const auto* value = node->as_string()) {
    into = value->get();
  } else {
    problem(*node, key, "must be a text in quotes");
  }
}

void TomlSection::read(std::string_view key, Seconds& into) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  if (const auto seconds = to_seconds(*node)) {
    into = *seconds;
  } else {
    problem(*node, key, "must be a number of seconds");
  }
}

void TomlSection::read(std::string_view key, std::optional<Seconds>& into) {
  Seconds seconds{};
  if (table_.get(key) == nullptr) {
    known_.emplace_back(key);
    return;
  }
  seconds = into.value_or(Seconds{});
  read(key, seconds);
  into = seconds;
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
    std::string all;
    for (const std::string& known : known_) all += (all.empty() ? "" : ", ") + known;
    problems_.add(key.source().begin,
                  "unknown key " + full_name(key.str()) + "; known are: " + all);
  }
}

}  // namespace patient_http::daemon
