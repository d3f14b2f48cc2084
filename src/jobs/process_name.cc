#include "jobs/process_name.h"

#include <unistd.h>

#include <algorithm>
#include <array>

namespace patient_http::jobs {

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) name[0] = '\0';
  return name.data();
}

std::string process_prefix() {
  std::string host = host_name();
  std::replace_if(
      host.begin(), host.end(), [](char c) { return c == ':' || c == '/'; }, '-');
  return host + ":" + std::to_string(::getpid());
}

}  // namespace patient_http::jobs
