#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "patient_http/redis_options.h"

namespace patient_http::jobs {

// The order in which queues are asked for work this time, as indices: theirs when all weights are
// 0; else drawn, a queue of weight 2 twice as likely before one of weight 1, as Sidekiq does it.
// `random` gives numbers from 0 to below 1. A weight of 0 among others counts as 1.
[[nodiscard]] std::vector<std::size_t> order_queues(const std::vector<RedisQueue>& queues,
                                                    const std::function<double()>& random);

}  // namespace patient_http::jobs
