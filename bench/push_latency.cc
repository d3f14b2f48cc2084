#include "push_latency.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "drivers/net/fd.h"
#include "request_jobs.h"

namespace patient_http::bench {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

// One connection, one request at a time.
class ReceivingServer {
 public:
  ReceivingServer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_.get(), any, length) != 0 || ::listen(listener_.get(), 1) != 0 ||
        ::getsockname(listener_.get(), any, &length) != 0) {
      throw std::runtime_error("cannot listen on 127.0.0.1");
    }
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/";
  }

  [[nodiscard]] const std::string& url() const { return url_; }

  // Waits for a request.
  steady_clock::time_point receive() {
    std::array<char, 8192> buffer{};
    for (;;) {
      if (connection_.get() < 0) {
        wait(listener_.get());
        connection_ = net::Fd(::accept(listener_.get(), nullptr, nullptr));
      }
      wait(connection_.get());
      if (::recv(connection_.get(), buffer.data(), buffer.size(), 0) > 0)
        return steady_clock::now();
      connection_.reset();
    }
  }
  void answer() const {
    constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    static_cast<void>(::send(connection_.get(), kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL));
  }

 private:
  static void wait(int fd) {
    pollfd ready{fd, POLLIN, 0};
    if (::poll(&ready, 1, 10'000) != 1) throw std::runtime_error("a pushed job was not sent");
  }

  net::Fd listener_;
  net::Fd connection_;
  std::string url_;
};

double quantile(std::vector<double>& values, double part) {
  const auto place = static_cast<std::size_t>(part * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(place),
                   values.end());
  return values[place];
}

}  // namespace

PushLatency measure_push_latency(test::TestRedis& redis, std::size_t pushes) {
  ReceivingServer server;
  std::vector<double> milliseconds;
  for (std::size_t i = 0; i < pushes; ++i) {
    // Longer than anything that polls in between is likely to be in step with.
    std::this_thread::sleep_for(50ms + 50ms * base::random_fraction());
    const std::string job = request_job(server.url(), i);
    const auto pushed = steady_clock::now();
    redis.command({"LPUSH", kRequestQueue, job});
    const std::chrono::duration<double, std::milli> taken = server.receive() - pushed;
    server.answer();
    if (i > 0) milliseconds.push_back(taken.count());  // the first one connects
  }
  return {quantile(milliseconds, 0.5), quantile(milliseconds, 0.99)};
}

}  // namespace patient_http::bench
