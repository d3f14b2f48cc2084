#pragma once

#include <toml++/toml.h>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "patient_http/timeout.h"

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

  // Each leaves `into` as it is when there is no such key, or it is of another type.
  void read(std::string_view key, bool& into);
  void read(std::string_view key, int& into);
  void read(std::string_view key, std::size_t& into);
  void read(std::string_view key, std::string& into);
  void read(std::string_view key, Seconds& into);
  void read(std::string_view key, std::optional<Seconds>& into);
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
