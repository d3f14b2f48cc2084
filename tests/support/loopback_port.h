#pragma once

#include <netinet/in.h>

namespace patient_http::test {

// 127.0.0.1 with this port.
[[nodiscard]] sockaddr_in loopback(int port);

// A port of 127.0.0.1 that nobody had a moment ago; somebody may take it meanwhile.
[[nodiscard]] int free_port();

// A connection to a port of 127.0.0.1, or -1.
[[nodiscard]] int connect_to(int port);

[[nodiscard]] bool is_listening(int port);

}  // namespace patient_http::test
