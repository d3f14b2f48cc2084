#pragma once

#include <string>
#include <string_view>

#include "patient_http/result.h"

namespace patient_http::redis {

// Why Redis did not do it. The message names the command or the script and the address; it holds
// no argument and no password.
struct RedisFailure {
  enum class Kind {
    // No connection, a lost one, no reply in time (the command may or may not have run), or the
    // server says so (OOM, MISCONF, BUSY, LOADING, READONLY …): may work again later.
    kUnavailable,
    kRefused,         // any other error reply: WRONGTYPE, NOPERM, an error of a script
    kAuthentication,  // user or password, what the user may not do at connect, or no such database
  };
  Kind kind = Kind::kUnavailable;
  std::string message;
};

template <class T>
using RedisResult = Result<T, RedisFailure>;

// The code that an error reply begins with: "WRONGTYPE". Of an error inside a script, as Redis 6
// words it, the code of the command that failed there.
[[nodiscard]] std::string_view error_code(std::string_view error);

// The failure that an error reply to `command` from `server` (see describe()) means.
[[nodiscard]] RedisFailure failure_of_error(std::string_view command, const std::string& server,
                                            std::string_view error);

}  // namespace patient_http::redis
