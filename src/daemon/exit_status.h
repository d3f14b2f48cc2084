#pragma once

namespace patient_http::daemon {

// What the program tells the shell. Interrupted: 128 and the number of the signal.
enum ExitStatus : int {
  kSuccess = 0,
  kSomeFailed = 1,    // some requests have an error
  kLeftBehind = 1,    // serve: results or requests are left to the next start
  kUsage = 2,         // usage, configuration or input; nothing was sent
  kStateProblem = 3,  // the state or the output cannot be read, written or locked
  kCannotStart = 3,   // serve: no store, no log or no key
};

}  // namespace patient_http::daemon
