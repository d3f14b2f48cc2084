#include "redis_cases.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>

#include "drivers/redis/redis_client.h"
#include "patient_http/service.h"

namespace patient_http::bench {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using SecondsOf = std::chrono::duration<double>;

constexpr auto kStandstill = 30s;

std::unique_ptr<Service> open_service(const std::string& redis_url, std::size_t in_flight) {
  Configuration configuration;
  configuration.redis = RedisOptions{.url = redis_url};
  configuration.processor.max_connections = in_flight;
  configuration.log = Log::standard_error(LogLevel::kWarn);
  auto service = Service::open(std::move(configuration));
  if (!service) throw std::runtime_error(service.error().message);
  return std::move(*service);
}

SecondsOf process_cpu() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return std::chrono::seconds(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         std::chrono::microseconds(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

// Of this program only; ru_maxrss holds what its parent had as well.
double peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    double kilobytes = 0;
    if (word == "VmHWM:" && status >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

std::size_t callbacks_waiting(redis::RedisClient& client) {
  const auto length = client.call(std::array<std::string_view, 2>{"LLEN", "queue:default"});
  if (!length) throw std::runtime_error(length.error().message);
  return static_cast<std::size_t>(length->integer());
}

redis::RedisConnectionOptions connection_options(const std::string& redis_url) {
  redis::RedisConnectionOptions options;
  options.address = redis::parse_redis_url(redis_url).value();
  return options;
}

// Gives how many there are, which may be more.
std::size_t wait_for_callbacks(redis::RedisClient& client, std::size_t count) {
  std::size_t last = 0;
  auto moved = steady_clock::now();
  for (;;) {
    const std::size_t done = callbacks_waiting(client);
    if (done >= count) return done;
    const auto now = steady_clock::now();
    if (done > last) moved = now;
    if (now - moved > kStandstill) {
      throw std::runtime_error("a standstill after " + std::to_string(done) + " of " +
                               std::to_string(count) + " requests");
    }
    last = done;
    std::this_thread::sleep_for(20ms);
  }
}

}  // namespace

RedisFigures carry_out(const RedisCase& load) {
  const auto service = open_service(load.redis_url, load.in_flight);
  redis::RedisClient client(connection_options(load.redis_url));
  service->start();
  const std::size_t warm = wait_for_callbacks(client, std::min(load.in_flight, load.count / 2));
  const auto begin = steady_clock::now();
  const SecondsOf cpu = process_cpu();
  const std::size_t done = wait_for_callbacks(client, load.count);
  const auto count = static_cast<double>(done - warm);
  RedisFigures figures;
  figures.requests_per_second = count / SecondsOf(steady_clock::now() - begin).count();
  figures.cpu_us = (process_cpu() - cpu).count() * 1e6 / count;
  figures.peak_memory = peak_memory();
  service->stop(1s);
  return figures;
}

void serve(const std::string& redis_url) {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  const auto service = open_service(redis_url, 256);
  service->start();
  std::printf("waiting\n");
  std::fflush(stdout);
  int signal = 0;
  sigwait(&ends, &signal);
  service->stop(1s);
}

}  // namespace patient_http::bench
