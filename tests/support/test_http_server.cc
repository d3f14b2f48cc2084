#include "support/test_http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>

#include "support/test_http_server_tls.h"

namespace patient_http::test {

namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// OpenSSL writes with write(2). Only the server's own threads are spared: what the client raises
// must still end the test.
void block_sigpipe() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

}  // namespace

std::vector<std::string> ReceivedRequest::header(std::string_view name) const {
  std::vector<std::string> values;
  std::size_t at = head.find("\r\n") + 2;
  while (at < head.size()) {
    const std::size_t end = head.find("\r\n", at);
    const std::string line = head.substr(at, end - at);
    const std::size_t colon = line.find(':');
    if (colon != std::string::npos && lower(line.substr(0, colon)) == name) {
      const std::size_t begin = line.find_first_not_of(' ', colon + 1);
      values.push_back(begin == std::string::npos ? "" : line.substr(begin));
    }
    at = end + 2;
  }
  return values;
}

class TestHttpServer::Connection final : public ServerConnection {
 public:
  Connection(TestHttpServer& server, int fd, int number)
      : number_(number), fd_(fd), thread_([this, &server] {
          block_sigpipe();
          if (start_tls(server)) server.serve(*this);
          finish();
        }) {}
  ~Connection() override {
    thread_.join();
    if (ssl_ != nullptr) SSL_free(ssl_);
    ::close(fd_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // From another thread: ends reads and writes.
  void interrupt() const { ::shutdown(fd_, SHUT_RDWR); }

  bool send(std::string_view bytes) override {
    while (!bytes.empty()) {
      const auto size = static_cast<int>(std::min<std::size_t>(bytes.size(), 1 << 20));
      const ssize_t sent =
          ssl_ != nullptr ? SSL_write(ssl_, bytes.data(), size)
                          : ::send(fd_, bytes.data(), static_cast<std::size_t>(size), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  void send_raw(std::string_view bytes) override {
    if (::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(bytes.size())) {
      throw std::runtime_error("cannot send " + std::to_string(bytes.size()) + " bytes");
    }
  }

  void send_session_ticket() override {
    if (SSL_new_session_ticket(ssl_) != 1 || SSL_do_handshake(ssl_) != 1) {
      throw std::runtime_error("cannot send a session ticket");
    }
  }

  void close() override {
    closed_ = true;
    if (ssl_ != nullptr) SSL_shutdown(ssl_);
    ::shutdown(fd_, SHUT_WR);
  }

  void cut() override {
    closed_ = true;
    ::shutdown(fd_, SHUT_RDWR);
  }

  void reset() override {
    closed_ = true;
    const linger now{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    // Closing sends the reset; the number is kept, so that nobody else gets it.
    const int other = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ::dup2(other, fd_);
    ::close(other);
  }

  void wait_for_peer_to_close() override {
    std::array<char, 4096> ignored;
    while (receive(ignored.data(), ignored.size()) > 0) {
    }
  }

  std::optional<ReceivedRequest> read_request(const TestHttpServer& server) {
    if (closed_) return std::nullopt;
    std::size_t end = std::string::npos;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!fill()) return std::nullopt;
    }
    ReceivedRequest request;
    request.connection = number_;
    request.client = client_name();
    request.head = buffer_.substr(0, end + 4);
    buffer_.erase(0, end + 4);
    const std::size_t space = request.head.find(' ');
    request.method = request.head.substr(0, space);
    request.target = request.head.substr(space + 1, request.head.find(' ', space + 1) - space - 1);
    server.call_head_handler(request, *this);
    if (closed_) return std::nullopt;
    const auto length = request.header("content-length");
    const std::size_t size = length.empty() ? 0 : std::stoul(length[0]);
    while (buffer_.size() < size) {
      if (!fill()) return std::nullopt;
    }
    request.body = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return request;
  }

 private:
  bool start_tls(TestHttpServer& server) {
    if (!server.tls_) return true;
    if (server.accept_handler_) server.accept_handler_(number_, *this);
    if (closed_) return false;
    ssl_ = SSL_new(server.tls_->context);
    SSL_set_fd(ssl_, fd_);
    if (SSL_accept(ssl_) != 1) return false;
    if (SSL_session_reused(ssl_) == 1) ++server.resumed_;
    return true;
  }

  [[nodiscard]] std::string client_name() const {
    const X509* certificate = ssl_ != nullptr ? SSL_get0_peer_certificate(ssl_) : nullptr;
    if (certificate == nullptr) return {};
    std::array<char, 100> name{};
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name.data(),
                              static_cast<int>(name.size()));
    return name.data();
  }

  // The socket is closed with the object, when the thread has ended; until then the peer must
  // not be left waiting.
  void finish() {
    if (!closed_) close();
  }

  ssize_t receive(char* data, std::size_t size) {
    return ssl_ != nullptr ? SSL_read(ssl_, data, static_cast<int>(size))
                           : ::recv(fd_, data, size, 0);
  }

  bool fill() {
    std::array<char, 16384> bytes;
    const ssize_t got = receive(bytes.data(), bytes.size());
    if (got <= 0) return false;
    buffer_.append(bytes.data(), static_cast<std::size_t>(got));
    return true;
  }

  const int number_;
  int fd_;
  SSL* ssl_ = nullptr;
  bool closed_ = false;
  std::string buffer_;
  std::thread thread_;
};

TestHttpServer::TestHttpServer(const TestCertificate* tls)
    : tls_(tls != nullptr ? std::make_unique<TlsServer>(*tls) : nullptr) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      ::listen(listener_, 1024) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    throw std::runtime_error("cannot listen on 127.0.0.1");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

TestHttpServer::~TestHttpServer() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    released_ = true;
    for (const auto& connection : connections_) connection->interrupt();
  }
  changed_.notify_all();
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  connections_.clear();
}

void TestHttpServer::accept_all() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    // A reset drops what Nagle's algorithm holds back: what was sent before it must be on its way.
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::lock_guard lock(mutex_);
    if (stopping_) {
      ::close(fd);
      return;
    }
    const int number = static_cast<int>(connections_.size()) + 1;
    connections_.push_back(std::make_unique<Connection>(*this, fd, number));
  }
}

void TestHttpServer::serve(Connection& connection) {
  std::string greeting;
  {
    std::lock_guard lock(mutex_);
    greeting = greeting_;
  }
  connection.send(greeting);
  while (auto request = connection.read_request(*this)) {
    const Handler handler = handler_for(*request);
    {
      std::lock_guard lock(mutex_);
      requests_.push_back(*request);
    }
    changed_.notify_all();
    handler(*request, connection);
  }
}

TestHttpServer::Handler TestHttpServer::handler_for(const ReceivedRequest& request) const {
  std::lock_guard lock(mutex_);
  const auto it = handlers_.find(request.target.substr(0, request.target.find('?')));
  if (it != handlers_.end()) return it->second;
  return [](const ReceivedRequest&, ServerConnection& peer) { peer.send(response(200, "ok")); };
}

void TestHttpServer::on_accept(AcceptHandler handler) {
  std::lock_guard lock(mutex_);
  accept_handler_ = std::move(handler);
}

void TestHttpServer::call_head_handler(const ReceivedRequest& request,
                                       Connection& connection) const {
  Handler handler;
  {
    std::lock_guard lock(mutex_);
    const auto it = head_handlers_.find(request.target.substr(0, request.target.find('?')));
    if (it == head_handlers_.end()) return;
    handler = it->second;
  }
  handler(request, connection);
}

void TestHttpServer::on_head(const std::string& path, Handler handler) {
  std::lock_guard lock(mutex_);
  head_handlers_[path] = std::move(handler);
}

void TestHttpServer::on(const std::string& path, Handler handler) {
  std::lock_guard lock(mutex_);
  handlers_[path] = std::move(handler);
}

void TestHttpServer::answer(const std::string& path, int status, const std::string& body,
                            const std::string& headers) {
  on(path, [text = response(status, body, headers)](const ReceivedRequest&,
                                                    ServerConnection& peer) { peer.send(text); });
}

void TestHttpServer::answer_raw(const std::string& path, const std::string& bytes) {
  on(path, [bytes](const ReceivedRequest&, ServerConnection& peer) {
    peer.send(bytes);
    peer.close();
  });
}

void TestHttpServer::greet(const std::string& bytes) {
  std::lock_guard lock(mutex_);
  greeting_ = bytes;
}

void TestHttpServer::hang(const std::string& path) {
  on(path, [](const ReceivedRequest&, ServerConnection& peer) { peer.wait_for_peer_to_close(); });
}

std::string TestHttpServer::url(std::string_view path, std::string_view host) const {
  return std::string(tls_ ? "https://" : "http://") + std::string(host) + ":" +
         std::to_string(port_) + std::string(path);
}

std::vector<ReceivedRequest> TestHttpServer::requests() const {
  std::lock_guard lock(mutex_);
  return requests_;
}

int TestHttpServer::connection_count() const {
  std::lock_guard lock(mutex_);
  return static_cast<int>(connections_.size());
}

bool TestHttpServer::wait_for_requests(std::string_view path, std::size_t count,
                                       std::chrono::seconds patience) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, patience, [&] {
    return static_cast<std::size_t>(std::count_if(
               requests_.begin(), requests_.end(), [&](const ReceivedRequest& request) {
                 return request.target.substr(0, request.target.find('?')) == path;
               })) >= count;
  });
}

void TestHttpServer::release() {
  {
    std::lock_guard lock(mutex_);
    released_ = true;
  }
  changed_.notify_all();
}

void TestHttpServer::wait_for_release() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return released_; });
}

bool TestHttpServer::wait_for_release(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, patience, [&] { return released_; });
}

std::string TestHttpServer::response(int status, const std::string& body,
                                     const std::string& headers) {
  return "HTTP/1.1 " + std::to_string(status) + " Status\r\n" + headers +
         "content-length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace patient_http::test
