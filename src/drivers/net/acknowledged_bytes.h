#pragma once

#include <cstdint>

namespace patient_http::net {

// How many bytes of a TCP socket's the other end's kernel has taken, of all that were written. What
// waits in our own kernel, which may be megabytes, is not among them. 0 when that is not known.
[[nodiscard]] std::uint64_t acknowledged_bytes(int fd);

}  // namespace patient_http::net
