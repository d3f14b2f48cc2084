#pragma once

#include <chrono>
#include <string>

#include "patient_http/secret_manager.h"

// Secrets that live outside the program: each of these makes a function for
// SecretManager::register_secret(), called on the preparer threads. What they throw says where they
// looked, and never what they found. Copies of a function share what it remembers, which is wiped
// with the last one.
namespace patient_http {

// The environment variable of that name, read whenever it is needed: the program must not change
// its environment meanwhile. Throws std::runtime_error when it is not set.
[[nodiscard]] SecretFunction secret_from_environment(std::string variable);

// The content of a file without one line break at its end. It is looked at whenever it is needed,
// and read again when it has changed. Throws std::runtime_error when it cannot be read, is no
// regular file, or is larger than 64 KiB.
[[nodiscard]] SecretFunction secret_from_file(std::string path);

struct SecretCommandOptions {
  // How long what it wrote counts; 0: it is run whenever it is needed.
  std::chrono::steady_clock::duration lifetime = std::chrono::seconds(60);
  // When it has not ended by then, it is killed, with all processes of its group.
  std::chrono::steady_clock::duration time_limit = std::chrono::seconds(10);
};

// What `/bin/sh -c command` writes to its standard output, without one line break at its end; what
// it writes beyond 64 KiB is dropped. It reads nothing, and its standard error is the program's
// own. Of requests that need it at the same time one runs it, and the others wait for its output or
// its failure. Throws std::runtime_error when it cannot be run, does not end in time or ends with
// another status than 0.
[[nodiscard]] SecretFunction secret_from_command(std::string command,
                                                 SecretCommandOptions options = {});

}  // namespace patient_http
