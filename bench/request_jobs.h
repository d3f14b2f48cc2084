#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "support/test_redis.h"

namespace patient_http::bench {

inline constexpr std::string_view kRequestQueue = "queue:patient_http_requests";

// The job of a GET request, as the gem writes it; `number` makes its jid.
[[nodiscard]] std::string request_job(const std::string& url, std::size_t number);

// Puts `count` of them into the queue.
void push_request_jobs(test::TestRedis& redis, const std::string& url, std::size_t count);

}  // namespace patient_http::bench
