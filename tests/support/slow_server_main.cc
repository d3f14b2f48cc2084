// slow-server: a loopback server that takes its time (see slow_server.h).

#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

#include "support/slow_server.h"
#include "support/test_certificate.h"

namespace patient_http::test {
namespace {

constexpr std::string_view kUsage =
    R"(Usage: slow-server [OPTION]...
A server on 127.0.0.1 that takes its time to answer, until SIGINT or SIGTERM.

  --port N          listen there; 0, the default, is any free port
  --tls             HTTPS, with a certificate made for this run
  --http2           HTTP/2, too: for clients that ask for it in the TLS handshake, or
                    begin with it where there is no TLS
  --max-streams N   of HTTP/2 at once on a connection (100)
  --ca-file PATH    write the CA certificate for --tls there
  --delay SECONDS   wait before each answer (0)
  --jitter SECONDS  and up to this much longer, at random (0)
  --log FILE        append "x-request-id target" for each request received
  --max-seconds N   end after this time (3600)

The first line of output is "listening on URL". A query overrides the options for
its request: /anything?delay=0.5&jitter=0.1&status=503&size=2000&close=1
&fault=reset (or bad_gzip, too_long, close, cut, garbage, bad_chunk)
)";

struct Arguments {
  SlowServerOptions server;
  std::string ca_file;
  double max_seconds = 3600;
  bool help = false;
};

double number(const std::string& option, const std::string& text) {
  std::size_t used = 0;
  double value = -1;
  try {
    value = std::stod(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used == 0 || used != text.size() || !(value >= 0) || value > 1e9) {
    throw std::invalid_argument(option + " wants a number of 0 or more, got: " + text);
  }
  return value;
}

Arguments read_arguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--tls") {
      arguments.server.tls = true;
      continue;
    }
    if (option == "--http2") {
      arguments.server.http2 = true;
      continue;
    }
    if (option == "--help") {
      arguments.help = true;
      continue;
    }
    if (++i == argc) throw std::invalid_argument("unknown, or without its value: " + option);
    const std::string value = argv[i];
    if (option == "--port") {
      arguments.server.port = static_cast<int>(number(option, value));
      if (arguments.server.port > 65'535) throw std::invalid_argument("no such port: " + value);
    } else if (option == "--delay") {
      arguments.server.delay = std::chrono::duration<double>(number(option, value));
    } else if (option == "--jitter") {
      arguments.server.jitter = std::chrono::duration<double>(number(option, value));
    } else if (option == "--max-streams") {
      arguments.server.max_streams = static_cast<std::uint32_t>(number(option, value));
    } else if (option == "--max-seconds") {
      arguments.max_seconds = number(option, value);
    } else if (option == "--ca-file") {
      arguments.ca_file = value;
    } else if (option == "--log") {
      arguments.server.log_file = value;
    } else {
      throw std::invalid_argument("unknown option: " + option);
    }
  }
  return arguments;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void serve(const Arguments& arguments) {
  // Blocked in the threads to come as well: they are taken by sigtimedwait() below.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  raise_descriptor_limit();

  const SlowServer server(arguments.server);
  if (!arguments.ca_file.empty()) {
    std::filesystem::copy_file(TestCertificate::get().ca_file, arguments.ca_file,
                               std::filesystem::copy_options::overwrite_existing);
  }
  std::printf("listening on %s\n", server.url().c_str());
  std::fflush(stdout);

  timespec patience{};
  patience.tv_sec = static_cast<time_t>(arguments.max_seconds);
  patience.tv_nsec = static_cast<long>(
      (arguments.max_seconds - static_cast<double>(patience.tv_sec)) * 1'000'000'000);
  while (sigtimedwait(&ends, nullptr, &patience) < 0 && errno == EINTR) {
  }
}

}  // namespace
}  // namespace patient_http::test

int main(int argc, char** argv) {
  try {
    const auto arguments = patient_http::test::read_arguments(argc, argv);
    if (arguments.help) {
      std::printf("%s", patient_http::test::kUsage.data());
      return EXIT_SUCCESS;
    }
    patient_http::test::serve(arguments);
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "slow-server: %s\n", error.what());
    return EXIT_FAILURE;
  }
}
