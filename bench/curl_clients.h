#pragma once

#include "engine_cases.h"

namespace patient_http::bench {

// The curl library as its documentation has it for many transfers: one thread, the multi interface
// with curl_multi_socket_action() on epoll, handles used again. HTTP/2 where `load.http2` says so,
// streams shared (CURLPIPE_MULTIPLEX, CURLOPT_PIPEWAIT).
[[nodiscard]] LoadFigures measure_curl_multi(const LoadCase& load);

// A thread for each request in flight, with a curl handle of its own. Throws std::runtime_error
// when there cannot be so many.
[[nodiscard]] LoadFigures measure_threads(const LoadCase& load);

}  // namespace patient_http::bench
