#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace patient_http::daemon {

// Descriptors for all that is not a connection: files, sockets of the store, look-ups of names.
constexpr std::size_t kOtherDescriptors = 100;

// How many files this process may open at most; no value: there is no limit.
[[nodiscard]] std::optional<std::size_t> open_files_limit();

// Makes that the limit.
void raise_open_files_limit();

// What is wrong when so many connections do not fit into it, "<option> 2000 needs 2100 open files
// …"; empty: nothing. `how` says how the limit is raised.
[[nodiscard]] std::string open_files_problem(const std::string& option, std::size_t connections,
                                             const std::string& how);

}  // namespace patient_http::daemon
