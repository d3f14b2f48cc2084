#include "test_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace test_app {

namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// Up to the end of the body; nothing when the peer goes away before that.
std::string read_request(int connection) {
  std::string text;
  std::size_t size = std::string::npos;
  while (size == std::string::npos || text.size() < size) {
    std::array<char, 4096> bytes;
    const ssize_t got = ::recv(connection, bytes.data(), bytes.size(), 0);
    if (got <= 0) return {};
    text.append(bytes.data(), static_cast<std::size_t>(got));
    const std::size_t head = text.find("\r\n\r\n");
    if (size != std::string::npos || head == std::string::npos) continue;
    const std::size_t length = text.find("content-length: ");
    size = head + 4;
    if (length < head) size += std::strtoul(text.c_str() + length + 16, nullptr, 10);
  }
  return text;
}

void send_all(int connection, const std::string& text) {
  std::size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t done = ::send(connection, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (done <= 0) return;
    sent += static_cast<std::size_t>(done);
  }
}

std::string response(const std::string& status, const std::string& body,
                     const std::string& headers = "") {
  return "HTTP/1.1 " + status + "\r\ncontent-type: text/plain\r\nconnection: close\r\n" + headers +
         "content-length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// The number behind "name=" in the first line; 0 when there is none.
double parameter(const std::string& target, const std::string& name) {
  const std::size_t place = target.find(name + "=");
  return place == std::string::npos
             ? 0
             : std::strtod(target.c_str() + place + name.size() + 1, nullptr);
}

}  // namespace

TestServer::TestServer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* any = reinterpret_cast<sockaddr*>(&address);
  if (listener_ < 0) fail("socket");
  if (::bind(listener_, any, size) != 0 || ::listen(listener_, SOMAXCONN) != 0 ||
      ::getsockname(listener_, any, &size) != 0) {
    ::close(listener_);
    fail("listen");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

TestServer::~TestServer() {
  {
    std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  stopped_.notify_all();
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& connection : connections_) connection.join();
  ::close(listener_);
}

std::string TestServer::url(const std::string& path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + path;
}

void TestServer::accept_all() {
  for (;;) {
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) {
      if (!wait(0.1)) return;  // with no descriptor left, or at the end
      continue;
    }
    connections_.emplace_back([this, connection] { serve(connection); });
  }
}

void TestServer::serve(int connection) {
  // A peer that sends nothing does not hold up the end.
  const timeval patience{.tv_sec = 2, .tv_usec = 0};
  ::setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  const std::string request = read_request(connection);
  if (!request.empty()) send_all(connection, answer(request));
  ::close(connection);
}

std::string TestServer::answer(const std::string& request) {
  const std::size_t begin = request.find(' ') + 1;
  const std::string target = request.substr(begin, request.find(' ', begin) - begin);
  const std::string path = target.substr(0, target.find('?'));
  if (path == "/slow" && !wait(parameter(target, "seconds"))) return {};
  if (path == "/slow") return response("200 OK", "slept well");
  if (path == "/fail") return response("500 Internal Server Error", "told to fail");
  if (path == "/redirect") return response("302 Found", "", "location: /landed\r\n");
  if (path == "/big") {
    const auto kilobytes = static_cast<std::size_t>(parameter(target, "kilobytes"));
    return response("200 OK", std::string(kilobytes * 1024, 'x'));
  }
  return response("200 OK", request);
}

bool TestServer::wait(double seconds) {
  std::unique_lock lock(mutex_);
  return !stopped_.wait_for(lock, std::chrono::duration<double>(seconds),
                            [this] { return is_stopping_; });
}

}  // namespace test_app
