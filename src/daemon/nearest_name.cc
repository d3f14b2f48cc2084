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

}  // namespace

std::string suggestion(std::string_view name, const std::vector<std::string>& known) {
  constexpr std::size_t kNear = 3;
  std::size_t least = kNear + 1;
  const std::string* nearest = nullptr;
  std::string all;
  for (const std::string& each : known) {
    all += (all.empty() ? "" : ", ") + each;
    const std::size_t letters = distance(name, each);
    if (letters >= least) continue;
    least = letters;
    nearest = &each;
  }
  return nearest != nullptr ? "; did you mean " + *nearest + "?" : "; known are: " + all;
}

}  // namespace patient_http::daemon
