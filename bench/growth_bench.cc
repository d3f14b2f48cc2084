// growth_bench: what a request costs, and what it holds, with 100 to 10,000 in flight at the same
// rate: the engine, wrk or h2load, the curl library, and a thread for each. Writes a table, and
// with --csv the figures for plot_growth. See docs/performance.md.

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "child_process.h"
#include "curl_clients.h"
#include "engine_cases.h"
#include "load_tools.h"

namespace patient_http::bench {
namespace {

constexpr std::size_t kStreams = 100;  // of HTTP/2 at once on a connection, as servers allow

struct Settings {
  std::vector<std::size_t> in_flight = {100, 300, 1'000, 3'000, 10'000};
  double rate = 4'000;  // requests a second
  double seconds = 5;
  std::string only;  // "http1" or "http2"
  std::string csv;
};

// How requests are sent, and against whom.
struct Client {
  const char* name;
  std::function<std::optional<LoadFigures>(const LoadCase&)> measure;
};

// In a process of its own: none inherits the heap of an earlier case.
std::optional<LoadFigures> apart(const std::function<LoadFigures()>& measure) {
  try {
    const auto numbers = run_apart([&] {
      const LoadFigures f = measure();
      return std::vector<double>{f.requests_per_second, f.cpu_us, f.resident_mb};
    });
    LoadFigures figures;
    figures.requests_per_second = numbers.at(0);
    figures.cpu_us = numbers.at(1);
    figures.resident_mb = numbers.at(2);
    return figures;
  } catch (const std::exception&) {
    return std::nullopt;  // the child has said why
  }
}

std::vector<Client> clients_of(bool http2) {
  std::vector<Client> clients = {
      {"engine", [](const LoadCase& load) { return apart([&] { return measure_load(load); }); }},
      {"libcurl multi",
       [](const LoadCase& load) { return apart([&] { return measure_curl_multi(load); }); }}};
  if (http2) {
    clients.push_back(
        {"h2load", [](const LoadCase& load) { return measure_steady_h2load(load, kStreams); }});
  } else {
    clients.push_back({"wrk", measure_steady_wrk});
    clients.push_back({"thread each", [](const LoadCase& load) {
                         return apart([&] { return measure_threads(load); });
                       }});
  }
  return clients;
}

class Table {
 public:
  explicit Table(const std::string& csv_file) {
    if (csv_file.empty()) return;
    csv_.open(csv_file);
    if (!csv_) throw std::runtime_error("cannot write " + csv_file);
    csv_ << "protocol,client,in_flight,requests_per_second,cpu_us,resident_mb\n";
  }

  void begin(const std::string& protocol, double rate) {
    protocol_ = protocol;
    std::printf("\n%s, about %.0f requests a second\n%-14s %9s %11s %11s %9s\n", protocol.c_str(),
                rate, "", "in flight", "requests/s", "CPU us/req", "MB");
  }
  void add(const char* client, std::size_t in_flight, const std::optional<LoadFigures>& figures) {
    if (!figures) {
      std::printf("%-14s %9zu not measured\n", client, in_flight);
      return;
    }
    std::printf("%-14s %9zu %11.0f %11.1f %9.1f\n", client, in_flight, figures->requests_per_second,
                figures->cpu_us, figures->resident_mb);
    std::fflush(stdout);
    if (csv_.is_open()) {
      csv_ << protocol_ << ',' << client << ',' << in_flight << ',' << figures->requests_per_second
           << ',' << figures->cpu_us << ',' << figures->resident_mb << std::endl;
    }
  }

 private:
  std::ofstream csv_;
  std::string protocol_;
};

void run(const Settings& settings, bool http2, Table& table) {
  const auto folder = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const std::string ca_file = (std::filesystem::temp_directory_path() /
                               ("growth-bench-" + std::to_string(getpid()) + ".pem"))
                                  .string();
  std::vector<std::string> command = {(folder / "slow-server").string(), "--max-seconds", "3000"};
  if (http2) {
    command.insert(command.end(), {"--tls", "--http2", "--max-streams", std::to_string(kStreams),
                                   "--ca-file", ca_file});
  }
  const Companion server(command);
  const std::string url = server.first_line().substr(server.first_line().rfind(' ') + 1);

  table.begin(http2 ? "HTTP/2 over TLS" : "HTTP/1.1", settings.rate);
  for (const Client& client : clients_of(http2)) {
    for (const std::size_t in_flight : settings.in_flight) {
      // Half of the time and up to as much again: answers do not come all at once.
      const double delay = static_cast<double>(in_flight) / settings.rate;
      const LoadCase load{
          url + "/?delay=" + std::to_string(delay / 2) + "&jitter=" + std::to_string(delay),
          http2 ? ca_file : std::string(), http2, in_flight,
          std::chrono::duration<double>(settings.seconds)};
      table.add(client.name, in_flight, client.measure(load));
    }
  }
  std::error_code ignored;
  std::filesystem::remove(ca_file, ignored);
}

constexpr const char* kUsage =
    "Usage: growth_bench [--quick] [--only http1|http2] [--seconds N] [--rate N] [--csv FILE]\n";

Settings read_arguments(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--quick") {
      settings.in_flight = {100, 1'000};
      settings.seconds = 1;
    } else if (option == "--only" && i + 1 < argc) {
      settings.only = argv[++i];
    } else if (option == "--seconds" && i + 1 < argc) {
      settings.seconds = std::stod(argv[++i]);
    } else if (option == "--rate" && i + 1 < argc) {
      settings.rate = std::stod(argv[++i]);
    } else if (option == "--csv" && i + 1 < argc) {
      settings.csv = argv[++i];
    } else {
      throw std::invalid_argument(kUsage);
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
    Table table(settings.csv);
    if (settings.only != "http2") run(settings, false, table);
    if (settings.only != "http1") run(settings, true, table);
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return EXIT_FAILURE;
  }
}
