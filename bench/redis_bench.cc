// redis_bench: a Service that carries out the jobs in a Redis of its own, and wrk and Sidekiq
// against the same slow server. See docs/performance.md.

#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "child_process.h"
#include "push_latency.h"
#include "redis_cases.h"
#include "redis_counters.h"
#include "request_jobs.h"
#include "sidekiq_case.h"
#include "wrk.h"

namespace patient_http::bench {
namespace {

// Answers after 1.5 to 2.5 s, so that requests do not end all at once.
constexpr std::string_view kSlow = "/?delay=1.5&jitter=1";
// With few in flight as many a second as kSlow with many.
constexpr std::string_view kSameRate = "/?delay=0.0384&jitter=0.0256";
constexpr std::size_t kFew = 256;
constexpr std::size_t kSome = 1'000;
constexpr std::size_t kMany = 10'000;

struct Settings {
  std::string self;
  std::string server;          // the program slow-server
  std::string sidekiq_worker;  // its file; empty: without Sidekiq
  int runs = 3;
  std::size_t count = 40'000;  // requests of a case with an instant target
  int waves = 4;               // of a case with a slow target: requests = waves * in flight
  std::size_t pushes = 200;
  int wrk_seconds = 5;
  bool keeps_data = false;
  std::string only;  // part of the names of the cases to measure; empty: all
};

struct Row {
  RedisFigures ours;
  double redis_us = 0;
  double round_trips = 0;
  double commands = 0;
};

// A figure of one run, and what it is to be at best.
struct Figure {
  std::string name;
  std::string target;
  std::vector<double> values;  // one per run
};

class Figures {
 public:
  void add(const std::string& name, double value, const std::string& target) {
    auto at = std::find_if(figures_.begin(), figures_.end(),
                           [&](const Figure& figure) { return figure.name == name; });
    if (at == figures_.end()) at = figures_.insert(at, {name, target, {}});
    at->values.push_back(value);
  }
  void print() const {
    std::printf("\n%-58s %10s %21s   %s\n", "", "median", "range", "target");
    for (const Figure& figure : figures_) {
      std::vector<double> values = figure.values;
      std::sort(values.begin(), values.end());
      std::printf("%-58s %10.3f %10.3f-%10.3f   %s\n", figure.name.c_str(),
                  values[values.size() / 2], values.front(), values.back(), figure.target.c_str());
    }
  }

 private:
  std::vector<Figure> figures_;
};

std::unique_ptr<test::TestRedis> start_redis(const Settings& settings) {
  test::TestRedisOptions options;
  options.keeps_data = settings.keeps_data;
  if (settings.keeps_data) options.arguments = {"--appendfsync", "everysec"};
  return std::make_unique<test::TestRedis>(std::move(options));
}

bool is_wanted(const Settings& settings, const std::string& name) {
  return name.find(settings.only) != std::string::npos;
}

// In a process of its own, so that its CPU and its memory can be told apart.
RedisFigures carry_out_apart(const Settings& settings, const RedisCase& load) {
  const Ended ended = run_program({settings.self, "--carry-out", load.redis_url,
                                   std::to_string(load.in_flight), std::to_string(load.count)});
  RedisFigures figures;
  if (ended.exit_status != 0 ||
      std::sscanf(ended.output.c_str(), "%lf %lf %lf", &figures.requests_per_second,
                  &figures.cpu_us, &figures.peak_memory) != 3) {
    throw std::runtime_error("a case failed");
  }
  return figures;
}

Row measure(const Settings& settings, const std::string& url, std::size_t in_flight,
            std::size_t count) {
  const auto redis = start_redis(settings);
  push_request_jobs(*redis, url, count);
  const RedisCounters before = RedisCounters::read(*redis);
  Row row;
  row.ours = carry_out_apart(settings, {redis->url(), in_flight, count});
  const RedisCounters done = RedisCounters::read(*redis).since(before);
  const auto requests = static_cast<double>(count);
  row.redis_us = done.cpu_seconds * 1e6 / requests;
  row.round_trips = done.round_trips / requests;
  row.commands = done.commands / requests;
  return row;
}

// No value when the case is not wanted.
std::optional<Row> print_case(const Settings& settings, const std::string& kind,
                              const std::string& url, std::size_t in_flight, std::size_t count) {
  const std::string name = kind + ", " + std::to_string(in_flight);
  if (!is_wanted(settings, name)) return std::nullopt;
  const Row row = measure(settings, url, in_flight, count);
  std::printf("%-22s %11.0f %11.1f %11.1f %11.3f %11.1f %9.0f\n", name.c_str(),
              row.ours.requests_per_second, row.ours.cpu_us, row.redis_us, row.round_trips,
              row.commands, row.ours.peak_memory / 1e6);
  return row;
}

void print_head() {
  std::printf("\n%-22s %11s %11s %11s %11s %11s %9s\n", "", "requests/s", "CPU us/req", "Redis us",
              "round trips", "commands", "peak MB");
}

void measure_wrk_case(const Settings& settings, const std::string& url, const Row& ours,
                      Figures& figures) {
  const auto wrk = measure_wrk(url + "/", kFew, settings.wrk_seconds);
  if (!wrk) {
    std::printf("%-22s not measured: it is missing, or failed\n", "wrk");
    return;
  }
  std::printf("%-22s %11.0f %11.1f\n", "wrk, 256", wrk->requests_per_second, wrk->cpu_us);
  figures.add("requests/s at 256, ours : wrk",
              ours.ours.requests_per_second / wrk->requests_per_second, ">= 0.33");
  figures.add("CPU per request at 256, ours : wrk", ours.ours.cpu_us / wrk->cpu_us, "<= 2");
}

void measure_sidekiq(const Settings& settings, const std::string& url, const Row& ours,
                     Figures& figures) {
  if (settings.sidekiq_worker.empty()) return;
  const std::size_t count = std::max<std::size_t>(settings.count / 20, 500);
  for (const std::size_t threads : {std::size_t{10}, std::size_t{25}}) {
    const std::string name = "Sidekiq, " + std::to_string(threads) + " threads";
    const auto redis = start_redis(settings);
    const auto sidekiq =
        measure_sidekiq_case(*redis, {settings.sidekiq_worker, url + "/", threads, count});
    if (!sidekiq) {
      std::printf("%-22s not measured: it is missing, or failed\n", name.c_str());
      return;
    }
    std::printf("%-22s %11.0f %11.1f\n", name.c_str(), sidekiq->requests_per_second,
                sidekiq->cpu_us);
    figures.add("requests/s at 256, ours : " + name,
                ours.ours.requests_per_second / sidekiq->requests_per_second, "");
  }
}

void add_figures(const std::string& load, const Row& row, Figures& figures) {
  figures.add("CPU of redis-server per request, us: " + load, row.redis_us, "<= 20");
  figures.add("round trips per request: " + load, row.round_trips, "< 0.1");
}

void measure_instant(const Settings& settings, const std::string& url, Figures& figures) {
  const auto at_few = print_case(settings, "instant", url + "/", kFew, settings.count);
  if (at_few) {
    add_figures("instant, 256", *at_few, figures);
    measure_wrk_case(settings, url, *at_few, figures);
    measure_sidekiq(settings, url, *at_few, figures);
  }
  if (const auto row = print_case(settings, "instant", url + "/", kSome, settings.count))
    add_figures("instant, 1,000", *row, figures);
  const auto at_many = print_case(settings, "instant", url + "/", kMany, settings.count);
  if (at_few && at_many) {
    figures.add("CPU per request, 10,000 : 256, instant",
                at_many->ours.cpu_us / at_few->ours.cpu_us, "<= 1.3");
  }
}

void measure_slow(const Settings& settings, const std::string& url, Figures& figures) {
  const std::string slow = url + std::string(kSlow);
  const auto waves = static_cast<std::size_t>(settings.waves);
  static_cast<void>(print_case(settings, "slow", slow, kFew, kFew * waves));
  static_cast<void>(print_case(settings, "slow", slow, kSome, kSome * waves));
  const auto at_few = print_case(settings, "as many a second", url + std::string(kSameRate), kFew,
                                 kMany * waves / 2);
  const auto at_many = print_case(settings, "slow", slow, kMany, kMany * waves);
  if (!at_many) return;
  add_figures("slow, 10,000", *at_many, figures);
  figures.add("peak memory, MB: slow, 10,000", at_many->ours.peak_memory / 1e6, "<= 80");
  if (at_few) {
    figures.add("CPU per request, 10,000 : 256, as many a second",
                at_many->ours.cpu_us / at_few->ours.cpu_us, "<= 1.3");
  }
}

void run(const Settings& settings, Figures& figures) {
  const Companion server({settings.server, "--max-seconds", "900"});
  const std::string url = server.first_line().substr(server.first_line().rfind(' ') + 1);
  print_head();
  measure_instant(settings, url, figures);
  measure_slow(settings, url, figures);
}

void run_latency(const Settings& settings, Figures& figures) {
  if (!is_wanted(settings, "idle")) return;
  const auto redis = start_redis(settings);
  const Companion service({settings.self, "--serve", redis->url()});
  const PushLatency latency = measure_push_latency(*redis, settings.pushes);
  std::printf("push to request sent, idle: median %.2f ms, p99 %.2f ms\n", latency.median_ms,
              latency.p99_ms);
  figures.add("push to request sent, idle, median, ms", latency.median_ms, "<= 10");
  figures.add("push to request sent, idle, p99, ms", latency.p99_ms, "<= 50");
}

constexpr std::string_view kUsage =
    "Usage: redis_bench [--quick] [--runs N] [--count N] [--only NAME] [--aof]\n"
    "                   [--server PROGRAM] [--sidekiq-worker FILE]\n"
    "--count is the number of requests of each case with an instant target; --only measures the\n"
    "cases whose name holds it: \"instant, 256\", \"slow\", \"idle\"; --aof lets Redis write an\n"
    "append-only file, synced every second; --sidekiq-worker compares with Sidekiq.\n";

Settings read_arguments(int argc, char** argv) {
  Settings settings;
  const auto self = std::filesystem::read_symlink("/proc/self/exe");
  settings.self = self.string();
  settings.server = (self.parent_path() / "slow-server").string();
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--quick") {
      settings.runs = 1;
      settings.count = 10'000;
      settings.waves = 2;
      settings.pushes = 50;
      settings.wrk_seconds = 2;
    } else if (option == "--aof") {
      settings.keeps_data = true;
    } else if (option == "--runs" && i + 1 < argc) {
      settings.runs = std::max(1, std::stoi(argv[++i]));
    } else if (option == "--count" && i + 1 < argc) {
      settings.count = std::max(1UL, std::stoul(argv[++i]));
    } else if (option == "--only" && i + 1 < argc) {
      settings.only = argv[++i];
    } else if (option == "--server" && i + 1 < argc) {
      settings.server = argv[++i];
    } else if (option == "--sidekiq-worker" && i + 1 < argc) {
      settings.sidekiq_worker = argv[++i];
    } else {
      throw std::invalid_argument(std::string(kUsage));
    }
  }
  return settings;
}

void measure_all(const Settings& settings) {
  Figures figures;
  for (int i = 0; i < settings.runs; ++i) {
    run(settings, figures);
    run_latency(settings, figures);
  }
  figures.print();
}

}  // namespace
}  // namespace patient_http::bench

int main(int argc, char** argv) {
  using namespace patient_http::bench;
  try {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    const std::string part = argc > 2 ? argv[1] : "";
    if (part == "--carry-out" && argc == 5) {
      const RedisFigures f = carry_out({argv[2], std::stoul(argv[3]), std::stoul(argv[4])});
      std::printf("%.17g %.17g %.17g\n", f.requests_per_second, f.cpu_us, f.peak_memory);
    } else if (part == "--serve" && argc == 3) {
      serve(argv[2]);
    } else {
      measure_all(read_arguments(argc, argv));
    }
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return EXIT_FAILURE;
  }
}
