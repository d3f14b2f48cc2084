#include "drivers/redis/redis_failure.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace patient_http::redis {

namespace {

constexpr std::array<std::string_view, 10> kUnavailableCodes = {
    "OOM",        "MISCONF",    "BUSY",        "LOADING",  "READONLY",
    "NOREPLICAS", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "UNBLOCKED"};
constexpr std::array<std::string_view, 3> kAuthenticationCodes = {"WRONGPASS", "NOAUTH", "DENIED"};

RedisFailure::Kind kind_of(std::string_view error) {
  const std::string_view code = error_code(error);
  const auto is_one_of = [code](const auto& codes) {
    return std::find(codes.begin(), codes.end(), code) != codes.end();
  };
  if (is_one_of(kUnavailableCodes) || error.starts_with("ERR max number of clients"))
    return RedisFailure::Kind::kUnavailable;
  if (is_one_of(kAuthenticationCodes)) return RedisFailure::Kind::kAuthentication;
  return RedisFailure::Kind::kRefused;
}

// Redis quotes the arguments of commands that it does not know.
std::string_view without_arguments(std::string_view error) {
  constexpr std::size_t kMostBytes = 300;
  return error.substr(0, std::min(error.find(", with args beginning with"), kMostBytes));
}

}  // namespace

std::string_view error_code(std::string_view error) {
  if (error.starts_with("ERR Error running script")) {
    const std::size_t inner = error.rfind(": -");
    if (inner != std::string_view::npos) error.remove_prefix(inner + 3);
  }
  return error.substr(0, error.find(' '));
}

RedisFailure failure_of_error(std::string_view command, const std::string& server,
                              std::string_view error) {
  return {kind_of(error), std::string(command) + " on " + server +
                              " failed: " + base::to_valid_utf8(without_arguments(error))};
}

}  // namespace patient_http::redis
