#include "support/slow_server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <sys/socket.h>

#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "support/slow_server_http2.h"
#include "support/test_certificate.h"

namespace patient_http::test {

namespace {

constexpr std::size_t kScratchSize = 64 * 1024;
// Of a head, and of what a client sends ahead while its last request is not answered.
constexpr std::size_t kMostBuffered = 64 * 1024;
constexpr int kAcceptedPerTurn = 64;
constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n";

[[noreturn]] void throw_errno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

net::Fd listen_on(int port) {
  net::Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) throw_errno("socket");
  const int one = 1;
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(socket.get(), 16'384) != 0) {
    throw_errno("listen on 127.0.0.1:" + std::to_string(port));
  }
  return socket;
}

int port_of(int listener) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw_errno("getsockname");
  }
  return ntohs(address.sin_port);
}

net::Fd open_log(const std::string& file) {
  if (file.empty()) return {};
  net::Fd log(open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!log) throw_errno("open " + file);
  return log;
}

// The protocol that both sides know: ours is the preference.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size,
                    const unsigned char* offered, unsigned offered_size, void*) {
  constexpr std::string_view kOurs = "\x02h2\x08http/1.1";
  unsigned char* found = nullptr;
  const int result =
      SSL_select_next_proto(&found, size, reinterpret_cast<const unsigned char*>(kOurs.data()),
                            kOurs.size(), offered, offered_size);
  *chosen = found;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

}  // namespace

struct SlowServer::Tls {
  std::unique_ptr<SSL_CTX, FreeSsl> context{SSL_CTX_new(TLS_server_method())};

  explicit Tls(bool http2) {
    const TestCertificate& files = TestCertificate::get();
    if (!context ||
        SSL_CTX_use_certificate_file(context.get(), files.certificate_file.c_str(),
                                     SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_PrivateKey_file(context.get(), files.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
      throw std::runtime_error("cannot set up TLS");
    }
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_num_tickets(context.get(), 0);
    if (http2) SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  }
};

class SlowServer::Acceptor final : public net::ReadyHandler {
 public:
  explicit Acceptor(SlowServer& server)
      : server_(server),
        watch_(server.loop_.watch(server.listener_.get(), {.read = true, .write = false}, *this)) {}

 private:
  void on_ready(net::Interest) override { server_.accept_some(); }

  SlowServer& server_;
  net::Watch watch_;
};

// One accepted connection of HTTP/1: reads a request, waits, answers, and reads on. Any of its
// calls may end with SlowServer::close(), which destroys it; they say so by returning false.
class SlowServer::Http1Connection final : public net::ReadyHandler {
 public:
  Http1Connection(SlowServer& server, net::Fd socket)
      : server_(server),
        socket_(std::move(socket), server.tls_ ? server.tls_->context.get() : nullptr),
        delay_([this] { answer_late(); }) {
    watch_ = server.loop_.watch(socket_.fd(), {.read = true, .write = false}, *this);
  }
  ~Http1Connection() override { watch_.reset(); }

 private:
  void on_ready(net::Interest ready) override;
  void answer_late();
  void read_more();
  [[nodiscard]] bool take(std::string_view bytes);
  [[nodiscard]] std::size_t take_one(std::string_view bytes);
  void answer();
  [[nodiscard]] bool send();
  void close() { server_.close(socket_.fd()); }

  SlowServer& server_;
  SlowSocket socket_;
  net::Watch watch_;
  net::Timer delay_;

  std::string in_;            // what could not be taken yet
  std::string request_head_;  // while it is being answered late or its body is read
  SlowRequest request_;
  SlowAnswer answer_;
  std::size_t body_left_ = 0;
  bool has_read_ = false;
  bool in_body_ = false;
  bool is_answering_ = false;  // and takes no further request until that is done
  std::string out_;
  std::size_t sent_ = 0;
};

void SlowServer::Http1Connection::on_ready(net::Interest ready) {
  if (ready.write && !out_.empty()) {
    if (!send()) return;
    if (out_.empty() && !in_.empty() && !take(std::exchange(in_, {}))) return;
  }
  if (ready.read || socket_.is_tls()) read_more();
}

void SlowServer::Http1Connection::read_more() {
  const ssize_t got = socket_.receive(server_.scratch_);
  if (got == 0 || (got < 0 && errno != EAGAIN)) {
    close();
    return;
  }
  if (got < 0) return;
  const std::string_view bytes(server_.scratch_.data(), static_cast<std::size_t>(got));
  const bool is_first = !std::exchange(has_read_, true);
  if (is_first && server_.options_.http2 && bytes.starts_with(kHttp2Preface)) {
    watch_.reset();
    server_.switch_to_http2(std::move(socket_), bytes);
    return;
  }
  if (in_.empty()) {
    static_cast<void>(take(bytes));
  } else {
    in_.append(bytes);
    static_cast<void>(take(std::exchange(in_, {})));
  }
}

// Takes what it can of `bytes`, and keeps the rest. False when the connection was closed.
bool SlowServer::Http1Connection::take(std::string_view bytes) {
  while (!bytes.empty() && !is_answering_) {
    const std::size_t taken = take_one(bytes);
    if (taken == 0) break;
    bytes.remove_prefix(taken);
    if (in_body_ || !is_answering_ || delay_.is_set()) continue;
    answer();
    if (!send()) return false;
  }
  in_.assign(bytes);
  if (in_.size() <= kMostBuffered) return true;
  close();
  return false;
}

// Gives the number of bytes taken; 0 when more must come.
std::size_t SlowServer::Http1Connection::take_one(std::string_view bytes) {
  std::size_t taken = 0;
  if (!in_body_) {
    const SlowRead read = read_request(bytes, request_);
    if (read == SlowRead::kIncomplete) return 0;
    const bool is_readable = read == SlowRead::kComplete && !request_.is_chunked;
    if (!is_readable) request_ = {.head_size = bytes.size(), .wants_close = true};
    taken = request_.head_size;
    body_left_ = request_.body_size;
    in_body_ = true;
    answer_ = server_.answer_to(request_.target);
    if (!is_readable) answer_ = {.status = read == SlowRead::kMalformed ? 400 : 411};
    answer_.closes = answer_.closes || request_.wants_close;
    const bool is_kept = body_left_ > bytes.size() - taken || answer_.delay.count() > 0;
    if (is_kept) {
      request_head_.assign(bytes.substr(0, taken));
      static_cast<void>(read_request(request_head_, request_));
    }
  }
  const std::size_t of_body = std::min(body_left_, bytes.size() - taken);
  body_left_ -= of_body;
  if (body_left_ > 0) return taken + of_body;
  in_body_ = false;
  is_answering_ = true;
  if (server_.log_) server_.log(request_);
  if (answer_.delay.count() > 0) {
    server_.loop_.timers().set(
        delay_,
        server_.loop_.now() + std::chrono::duration_cast<std::chrono::nanoseconds>(answer_.delay));
  }
  return taken + of_body;
}

void SlowServer::Http1Connection::answer_late() {
  answer();
  if (send() && out_.empty() && !in_.empty()) static_cast<void>(take(std::exchange(in_, {})));
}

void SlowServer::Http1Connection::answer() {
  if (answer_.fault != SlowFault::kNone) {
    out_ += faulty_response(answer_.fault);
    answer_.closes = true;
    request_head_.clear();
    // Then closing it is resetting it.
    constexpr linger kAtOnce{.l_onoff = 1, .l_linger = 0};
    if (answer_.fault == SlowFault::kReset) {
      setsockopt(socket_.fd(), SOL_SOCKET, SO_LINGER, &kAtOnce, sizeof kAtOnce);
    }
    return;
  }
  append_response(request_, answer_, out_);
  request_head_.clear();
}

// Sends what is left of the answer. False when the connection was closed.
bool SlowServer::Http1Connection::send() {
  while (sent_ < out_.size()) {
    const ssize_t sent = socket_.send(std::string_view(out_).substr(sent_));
    if (sent > 0) {
      sent_ += static_cast<std::size_t>(sent);
    } else if (errno == EAGAIN) {
      watch_.set({.read = true, .write = true});
      return true;
    } else {
      close();
      return false;
    }
  }
  watch_.set({.read = true, .write = false});
  // Ten thousand connections need no large answer each.
  constexpr std::size_t kKept = 1024;
  if (out_.capacity() > kKept) out_ = {};
  out_.clear();
  sent_ = 0;
  is_answering_ = false;
  if (!answer_.closes) return true;
  close();
  return false;
}

SlowServer::SlowServer(SlowServerOptions options)
    : options_(std::move(options)),
      tls_(options_.tls ? std::make_unique<Tls>(options_.http2) : nullptr),
      log_(open_log(options_.log_file)),
      listener_(listen_on(options_.port)),
      spare_(open("/dev/null", O_RDONLY | O_CLOEXEC)),
      port_(port_of(listener_.get())),
      acceptor_(std::make_unique<Acceptor>(*this)),
      scratch_(kScratchSize),
      thread_([this] { run(); }) {}

SlowServer::~SlowServer() {
  stopping_ = true;
  loop_.wake();
  thread_.join();
}

std::string SlowServer::url() const {
  return std::string(tls_ ? "https" : "http") + "://127.0.0.1:" + std::to_string(port_);
}

void SlowServer::run() {
  // OpenSSL writes with write(2): SIGPIPE stays away from the program, and so do its signals from
  // this thread.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  while (!stopping_) loop_.turn(loop_.now() + std::chrono::seconds(60));
  connections_.clear();
  acceptor_.reset();
}

void SlowServer::accept_some() {
  for (int i = 0; i < kAcceptedPerTurn; ++i) {
    net::Fd socket(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket && (errno == EMFILE || errno == ENFILE)) {
      // Left in the queue, it would keep the listener ready for ever.
      spare_.reset();
      net::Fd refused(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      refused.reset();
      spare_ = net::Fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
      return;
    }
    if (!socket) return;
    const int one = 1;
    setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    const auto place = static_cast<std::size_t>(socket.get());
    if (connections_.size() <= place) connections_.resize(place + 1);
    connections_[place] = std::make_unique<Http1Connection>(*this, std::move(socket));
  }
}

// Destroys the caller.
void SlowServer::switch_to_http2(SlowSocket socket, std::string_view bytes) {
  const auto place = static_cast<std::size_t>(socket.fd());
  auto connection = std::make_unique<Http2Connection>(*this, std::move(socket));
  Http2Connection& switched = *connection;
  connections_[place] = std::move(connection);
  switched.take(bytes);
}

void SlowServer::close(int fd) {
  connections_[static_cast<std::size_t>(fd)].reset();
}

SlowAnswer SlowServer::answer_to(std::string_view target) {
  SlowAnswer answer{.delay = options_.delay, .jitter = options_.jitter};
  if (target.find('?') != std::string_view::npos) apply_query(target, answer);
  if (answer.jitter.count() > 0) {
    answer.delay += answer.jitter * std::uniform_real_distribution<double>(0, 1)(random_);
  }
  return answer;
}

void SlowServer::log(const SlowRequest& request) const {
  std::string line(request.request_id);
  line.append(" ").append(request.target).append("\n");
  if (write(log_.get(), line.data(), line.size()) < 0) throw_errno("write " + options_.log_file);
}

}  // namespace patient_http::test
