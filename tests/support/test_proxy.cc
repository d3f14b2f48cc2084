#include "support/test_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

#include "support/loopback_port.h"

namespace patient_http::test {

namespace {

// A socket on a free port, and the port.
std::pair<int, int> bind_somewhere() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    throw std::runtime_error("cannot bind a port of 127.0.0.1");
  }
  return {fd, ntohs(address.sin_port)};
}

}  // namespace

TestProxy::TestProxy(const Options& options) : port_(free_port()) {
  std::string text = "Port " + std::to_string(port_) +
                     "\nListen 127.0.0.1\nAllow 127.0.0.1\nTimeout 60\nMaxClients 50\n"
                     "LogFile \"" +
                     folder_.file("log") + "\"\nLogLevel Connect\nPidFile \"" +
                     folder_.file("pid") + "\"\n";
  if (!options.user.empty()) text += "BasicAuth " + options.user + " " + options.password + "\n";
  if (options.connect_port != 0) {
    text += "ConnectPort " + std::to_string(options.connect_port) + "\n";
  }
  write_file(folder_.file("conf"), text);
  program_ = std::make_unique<Program>("/usr/bin/tinyproxy",
                                       std::vector<std::string>{"-d", "-c", folder_.file("conf")});
  const bool is_up = wait_until([this] { return is_listening(port_) || program_->has_ended(); });
  if (!is_up || program_->has_ended()) {
    throw std::runtime_error("tinyproxy does not start: " + program_->errors());
  }
}

TestProxy::~TestProxy() {
  program_->signal(SIGTERM);
  program_->wait();
}

int TestProxy::count(const std::string& method) const {
  int count = 0;
  for (const std::string& line : lines_of(read_file(folder_.file("log")))) {
    if (line.find("): " + method + " ") != std::string::npos) ++count;
  }
  return count;
}

TlsFront::TlsFront(const TestCertificate& certificate, int port)
    : certificate_(certificate), server_port_(port) {
  std::tie(listener_, port_) = bind_somewhere();
  if (::listen(listener_, 50) != 0) throw std::runtime_error("cannot listen");
  acceptor_ = std::thread([this] { accept_all(); });
}

TlsFront::~TlsFront() {
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& relay : relays_) relay.join();
  ::close(listener_);
}

void TlsFront::accept_all() {
  // OpenSSL writes with write(2).
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  for (;;) {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    relays_.emplace_back([this, client] { relay(client); });
  }
}

void TlsFront::relay(int client) const {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_use_certificate_file(context, certificate_.certificate_file.c_str(), SSL_FILETYPE_PEM);
  SSL_CTX_use_PrivateKey_file(context, certificate_.key_file.c_str(), SSL_FILETYPE_PEM);
  SSL* ssl = SSL_new(context);
  SSL_set_fd(ssl, client);
  const int server = connect_to(server_port_);
  std::array<char, 16384> bytes;
  bool open = SSL_accept(ssl) == 1 && server >= 0;
  while (open && !stopping_) {
    std::array<pollfd, 2> ready{{{client, POLLIN, 0}, {server, POLLIN, 0}}};
    constexpr int kLookForStopMs = 20;
    if (SSL_pending(ssl) == 0 && ::poll(ready.data(), ready.size(), kLookForStopMs) <= 0) continue;
    if (SSL_pending(ssl) > 0 || ready[0].revents != 0) {
      const int got = SSL_read(ssl, bytes.data(), bytes.size());
      open = got > 0 &&
             ::send(server, bytes.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) == got;
    } else if (ready[1].revents != 0) {
      const ssize_t got = ::recv(server, bytes.data(), bytes.size(), 0);
      open = got > 0 && SSL_write(ssl, bytes.data(), static_cast<int>(got)) == got;
    }
  }
  SSL_shutdown(ssl);
  SSL_free(ssl);
  SSL_CTX_free(context);
  ::close(client);
  if (server >= 0) ::close(server);
}

}  // namespace patient_http::test
