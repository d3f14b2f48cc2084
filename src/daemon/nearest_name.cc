#include "daemon/nearest_name.h"

#include <algorithm>
#include <cstddef>

namespace patient_http::daemon {

namespace {

// Letters to insert, remove or replace to get from one to the other.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

// Whether `known` is `name` with something before it: "--redis-lease" and "--lease".
bool is_end_of(std::string_view name, std::string_view known) {
  name.remove_prefix(std::min(name.size(), name.find_first_not_of('-')));
  return !name.empty() && name.size() < known.size() && known.ends_with(name) &&
         known[known.size() - name.size() - 1] == '-';
}

}  // namespace

const std::string* nearest_name(std::string_view name, const std::vector<std::string>& known) {
  constexpr std::size_t kNear = 3;  // letters; a name of fewer would be near to any other
  std::size_t least = std::min(kNear + 1, name.size());
  const std::string* nearest = nullptr;
  for (const std::string& each : known) {
    const std::size_t letters = is_end_of(name, each) ? 1 : distance(name, each);
    if (letters >= least) continue;
    least = letters;
    nearest = &each;
  }
  return nearest;
}

std::string suggestion(std::string_view name, const std::vector<std::string>& known) {
  const std::string* nearest = nearest_name(name, known);
  return nearest != nullptr ? "; did you mean " + *nearest + "?" : "; see --help";
}

}  // namespace patient_http::daemon
