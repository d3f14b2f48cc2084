#include "daemon/open_files.h"

#include <sys/resource.h>

#include <algorithm>

namespace patient_http::daemon {

std::optional<std::size_t> open_files_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max == RLIM_INFINITY)
    return std::nullopt;
  return limit.rlim_max;
}

void raise_open_files_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::string open_files_problem(const std::string& option, std::size_t connections,
                               const std::string& how) {
  const auto limit = open_files_limit();
  if (!limit || *limit >= connections + kOtherDescriptors) return {};
  const std::size_t fitting = *limit - std::min(*limit, kOtherDescriptors);
  return option + " " + std::to_string(connections) + " needs " +
         std::to_string(connections + kOtherDescriptors) + " open files, and the limit is " +
         std::to_string(*limit) + ": " + std::to_string(fitting) + " connections fit; raise it (" +
         how + ") or use a smaller number";
}

}  // namespace patient_http::daemon
