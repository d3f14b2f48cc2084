#pragma once

#include <chrono>
#include <string>

#include "drivers/net/stream.h"
#include "drivers/net/tls_context.h"
#include "drivers/redis/redis_url.h"
#include "patient_http/result.h"

namespace patient_http::redis {

// Connects to a server, with the TLS handshake if `tls` is not null, and waits for it until
// `deadline` at most. `tls` must outlive the stream. The failure does not name the address.
[[nodiscard]] Result<net::Stream> dial(const RedisAddress& address, const net::TlsContext* tls,
                                       std::chrono::steady_clock::time_point deadline);

}  // namespace patient_http::redis
