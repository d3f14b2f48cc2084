#include "jobs/queue_order.h"

#include <algorithm>
#include <numeric>

namespace patient_http::jobs {

std::vector<std::size_t> order_queues(const std::vector<RedisQueue>& queues,
                                      const std::function<double()>& random) {
  std::vector<std::size_t> rest(queues.size());
  std::iota(rest.begin(), rest.end(), std::size_t{0});
  const bool is_strict = std::all_of(queues.begin(), queues.end(),
                                     [](const RedisQueue& queue) { return queue.weight == 0; });
  if (is_strict) return rest;
  const auto weight = [&](std::size_t index) { return std::max(queues[index].weight, 1); };
  std::vector<std::size_t> order;
  while (!rest.empty()) {
    double left = 0;
    for (const std::size_t index : rest) left += weight(index);
    left *= random();
    auto drawn = rest.begin();
    while (drawn + 1 != rest.end() && left >= weight(*drawn)) left -= weight(*drawn++);
    order.push_back(*drawn);
    rest.erase(drawn);
  }
  return order;
}

}  // namespace patient_http::jobs
