#pragma once

#include <toml++/toml.h>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/option_value.h"

namespace patient_http::daemon {

// The problems that were found in a file.
class TomlProblems {
 public:
  explicit TomlProblems(std::string path) : path_(std::move(path)) {}

  void add(const toml::source_position& place, const std::string& problem);
  [[nodiscard]] bool empty() const { return problems_.empty(); }
  // "FILE:LINE: what", a line each, in the order of the file.
  [[nodiscard]] std::string text() const;

 private:
  const std::string path_;
  std::multimap<toml::source_index, std::string> problems_;  // by their line
};

// Reads the keys of one table; those that nobody asked for are problems. Values never stand in a
// problem: they may be secrets.
class TomlSection {
 public:
  // Both must outlive this object. `name`: "processor", for problems; empty for the file itself.
  TomlSection(const toml::table& table, std::string name, TomlProblems& problems)
      : table_(table), name_(std::move(name)), problems_(problems) {}

  // Leaves the option as it is when there is no such key, or what it holds is a problem. Gives the
  // line on which it was set.
  std::optional<toml::source_index> read(std::string_view key, const OptionValue& option);
  // Whatever it is.
  void read_node(std::string_view key, const std::function<void(const toml::node&)>& read);
  // A table.
  void read(std::string_view key, const std::function<void(TomlSection&)>& read_section);

  // Any key, for tables whose keys are names.
  void for_each(const std::function<void(const std::string& key, const toml::node& value)>& read);

  // Reports the keys that were not asked for.
  void end();

  void problem(const toml::node& at, std::string_view key, const std::string& problem);

 private:
  const toml::node* find(std::string_view key);
  [[nodiscard]] std::string full_name(std::string_view key) const;

  const toml::table& table_;
  const std::string name_;
  TomlProblems& problems_;
  std::vector<std::string> known_;
};

}  // namespace patient_http::daemon
