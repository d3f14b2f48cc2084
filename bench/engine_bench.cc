// engine_bench: the engine alone against the bundled slow server, and wrk or h2load against the
// same server. See docs/performance.md.

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "child_process.h"
#include "engine_cases.h"
#include "load_tools.h"
#include "wrk.h"

namespace patient_http::bench {
namespace {

struct Settings {
  std::string server;     // the program
  double seconds = 5;     // per case
  std::size_t few = 256;  // in flight
  std::size_t many = 10'000;
  std::string only;  // "plain", "tls" or "http2"
};

enum class Kind { kPlain, kTls, kHttp2 };

// Of HTTP/2 at once on a connection, as servers allow.
constexpr std::size_t kStreams = 100;

// One server for both clients.
class Target {
 public:
  Target(const Settings& settings, Kind kind)
      : ca_file_(kind != Kind::kPlain ? (std::filesystem::temp_directory_path() /
                                         ("engine-bench-" + std::to_string(getpid()) + ".pem"))
                                            .string()
                                      : std::string()),
        server_(command(settings, kind, ca_file_)) {
    const std::string& line = server_.first_line();
    url_ = line.substr(line.rfind(' ') + 1);
  }
  ~Target() {
    std::error_code ignored;
    if (!ca_file_.empty()) std::filesystem::remove(ca_file_, ignored);
  }
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  [[nodiscard]] LoadCase load(std::string_view target, std::size_t in_flight,
                              double seconds) const {
    return {.url = url_ + std::string(target),
            .ca_file = ca_file_,
            .in_flight = in_flight,
            .duration = std::chrono::duration<double>(seconds)};
  }

 private:
  static std::vector<std::string> command(const Settings& settings, Kind kind,
                                          const std::string& ca_file) {
    std::vector<std::string> words = {settings.server, "--max-seconds", "900"};
    if (!ca_file.empty()) words.insert(words.end(), {"--tls", "--ca-file", ca_file});
    if (kind == Kind::kHttp2) {
      words.insert(words.end(), {"--http2", "--max-streams", std::to_string(kStreams)});
    }
    return words;
  }

  std::string ca_file_;
  Companion server_;
  std::string url_;
};

LoadFigures engine(const LoadCase& load) {
  const auto numbers = run_apart([&] {
    const LoadFigures f = measure_load(load);
    return std::vector<double>{f.requests_per_second, f.cpu_us, f.reactor_us, f.longest_turn_ms,
                               f.connections};
  });
  return {.requests_per_second = numbers.at(0),
          .cpu_us = numbers.at(1),
          .reactor_us = numbers.at(2),
          .longest_turn_ms = numbers.at(3),
          .connections = numbers.at(4)};
}

IdleFigures idle(const LoadCase& load) {
  const auto numbers = run_apart([&] {
    const IdleFigures f = measure_idle(load);
    return std::vector<double>{f.bytes_per_request, f.longest_turn_ms};
  });
  return {numbers.at(0), numbers.at(1)};
}

void print_row(const std::string& name, const LoadFigures& f, double wrk_cpu_us) {
  std::printf("%-22s %11.0f %11.1f %11.1f %11.1f", name.c_str(), f.requests_per_second, f.cpu_us,
              f.reactor_us, f.longest_turn_ms);
  if (wrk_cpu_us > 0) std::printf(" %9.2f", f.cpu_us / wrk_cpu_us);
  std::printf("\n");
}

// Gives wrk's CPU per request; 0 when there is none.
double print_wrk(const std::string& name, const LoadCase& load) {
  const auto figures =
      measure_wrk(load.url, load.in_flight, static_cast<int>(load.duration.count()));
  if (!figures) {
    std::printf("%-22s not measured: wrk is missing, or failed\n", name.c_str());
    return 0;
  }
  std::printf("%-22s %11.0f %11.1f\n", name.c_str(), figures->requests_per_second, figures->cpu_us);
  return figures->cpu_us;
}

void run(const Settings& settings, bool tls) {
  const Target target(settings, tls ? Kind::kTls : Kind::kPlain);
  const std::string kind = tls ? "TLS, " : "plain, ";
  const std::string few = kind + std::to_string(settings.few);
  const std::string many = kind + std::to_string(settings.many);
  std::printf("\n%-22s %11s %11s %11s %11s %9s\n", "", "requests/s", "CPU us/req", "reactor us",
              "turn ms", "CPU:wrk");
  const LoadCase small = target.load("/", settings.few, settings.seconds);
  const LoadCase large = target.load("/", settings.many, settings.seconds);
  const double wrk_small = print_wrk("wrk    " + few, small);
  const LoadFigures at_small = engine(small);
  print_row("engine " + few, at_small, wrk_small);
  if (settings.many == 0) return;
  // A handshake for each of them is most of what wrk then does in so short a time.
  const double wrk_large = tls ? 0 : print_wrk("wrk    " + many, large);
  const LoadFigures at_large = engine(large);
  print_row("engine " + many, at_large, wrk_large);
  std::printf("%-34s %11.2f\n", "growth of CPU per request", at_large.cpu_us / at_small.cpu_us);
  const IdleFigures waiting = idle(target.load("/?delay=600", settings.many, 0));
  std::printf("%-34s %11.0f bytes each; longest turn %.1f ms\n", ("waiting " + many).c_str(),
              waiting.bytes_per_request, waiting.longest_turn_ms);
}

// Streams instead of connections; h2load is the peer.
void run_http2(const Settings& settings) {
  const Target target(settings, Kind::kHttp2);
  std::printf("\n%-22s %11s %11s %11s %11s %9s %11s\n", "", "requests/s", "CPU us/req",
              "reactor us", "turn ms", "CPU:h2load", "connections");
  for (const std::size_t streams : {settings.few, std::size_t{1000}}) {
    const LoadCase load = target.load("/", streams, settings.seconds);
    const std::string name = "HTTP/2, " + std::to_string(streams);
    const auto peer = measure_steady_h2load(load, kStreams);
    if (peer) {
      std::printf("%-22s %11.0f %11.1f\n", ("h2load " + name).c_str(), peer->requests_per_second,
                  peer->cpu_us);
    } else {
      std::printf("%-22s not measured: h2load is missing, or failed\n", ("h2load " + name).c_str());
    }
    const LoadFigures ours = engine(load);
    std::printf("%-22s %11.0f %11.1f %11.1f %11.1f %9.2f %11.0f\n", ("engine " + name).c_str(),
                ours.requests_per_second, ours.cpu_us, ours.reactor_us, ours.longest_turn_ms,
                peer ? ours.cpu_us / peer->cpu_us : 0.0, ours.connections);
  }
  if (settings.many == 0) return;
  const IdleFigures waiting = idle(target.load("/?delay=600", settings.many, 0));
  std::printf("%-34s %11.0f bytes each; longest turn %.1f ms\n",
              ("waiting HTTP/2, " + std::to_string(settings.many)).c_str(),
              waiting.bytes_per_request, waiting.longest_turn_ms);
}

constexpr std::string_view kUsage =
    "Usage: engine_bench [--quick] [--only plain|tls|http2] [--seconds N] [--many N]\n"
    "                    [--server PROGRAM]\n"
    "--many is the number of requests in flight of the large cases; 0 leaves them out.\n";

Settings read_arguments(int argc, char** argv) {
  Settings settings;
  settings.server =
      (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "slow-server").string();
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--quick") {
      settings.seconds = 1;
      settings.many = 2'000;
    } else if (option == "--only" && i + 1 < argc) {
      settings.only = argv[++i];
    } else if (option == "--seconds" && i + 1 < argc) {
      settings.seconds = std::stod(argv[++i]);
    } else if (option == "--many" && i + 1 < argc) {
      settings.many = std::stoul(argv[++i]);
    } else if (option == "--server" && i + 1 < argc) {
      settings.server = argv[++i];
    } else {
      throw std::invalid_argument(std::string(kUsage));
    }
  }
  return settings;
}

}  // namespace
}  // namespace patient_http::bench

int main(int argc, char** argv) {
  using namespace patient_http::bench;
  try {
    const Settings settings = read_arguments(argc, argv);
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    const auto is_wanted = [&](std::string_view kind) {
      return settings.only.empty() || settings.only == kind;
    };
    if (is_wanted("plain")) run(settings, false);
    if (is_wanted("tls")) run(settings, true);
    if (is_wanted("http2")) run_http2(settings);
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return EXIT_FAILURE;
  }
}
