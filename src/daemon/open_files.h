#pragma once

#include <cstddef>
#include <optional>

namespace patient_http::daemon {

// Descriptors for all that is not a connection: files, sockets of the store, look-ups of names.
constexpr std::size_t kOtherDescriptors = 100;

// How many files this process may open at most; no value: there is no limit.
[[nodiscard]] std::optional<std::size_t> open_files_limit();

// Makes that the limit.
void raise_open_files_limit();

}  // namespace patient_http::daemon
