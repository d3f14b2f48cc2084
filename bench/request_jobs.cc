#include "request_jobs.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <stdexcept>
#include <utility>
#include <vector>

#include "base/uuid.h"
#include "drivers/redis/redis_client.h"
#include "jobs/request_job.h"

namespace patient_http::bench {

std::string request_job(const std::string& url, std::size_t number) {
  std::array<char, 32> jid{};
  std::snprintf(jid.data(), jid.size(), "%024zx", number);
  const auto args = Json::parse(R"({"user_id":17})").value();
  return jobs::make_request_job(Request::create({.url = url}).value(),
                                {.jid = jid.data(),
                                 .request_id = base::random_uuid(),
                                 .callback = "BenchCallback",
                                 .raise_error_responses = false,
                                 .callback_args = args});
}

void push_request_jobs(test::TestRedis& redis, const std::string& url, std::size_t count) {
  constexpr std::size_t kBatch = 500;
  redis::RedisConnectionOptions options;
  options.address.unix_path = redis.file("socket");
  redis::RedisClient client(std::move(options));
  for (std::size_t done = 0; done < count; done += kBatch) {
    std::vector<std::string> jobs;
    for (std::size_t i = done; i < std::min(count, done + kBatch); ++i)
      jobs.push_back(request_job(url, i));
    std::vector<std::string_view> words = {"LPUSH", kRequestQueue};
    words.insert(words.end(), jobs.begin(), jobs.end());
    if (const auto pushed = client.call(words); !pushed)
      throw std::runtime_error(pushed.error().message);
  }
}

}  // namespace patient_http::bench
