#include "support/test_http2_server.h"

#include <arpa/inet.h>
#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <stdexcept>

namespace patient_http::test {

namespace {

constexpr std::chrono::seconds kPatience{20};

std::uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
}

nghttp2_nv field(std::string_view name, std::string_view value) {
  return {bytes_of(name), bytes_of(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

int choose_h2(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
              unsigned offered_size, void*) {
  const bool has_h2 = nghttp2_select_next_protocol(const_cast<unsigned char**>(chosen), size,
                                                   offered, offered_size) == 1;
  return has_h2 ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

std::string Http2Received::header(std::string_view name) const {
  for (const auto& [each, value] : headers) {
    if (each == name) return value;
  }
  return {};
}

struct TestHttp2Server::Tls {
  Tls() : context(SSL_CTX_new(TLS_server_method())) {
    const TestCertificate& certificate = TestCertificate::get();
    if (SSL_CTX_use_certificate_file(context, certificate.certificate_file.c_str(),
                                     SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, certificate.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
      throw std::runtime_error("cannot load the test certificate");
    }
    SSL_CTX_set_alpn_select_cb(context, choose_h2, nullptr);
  }
  ~Tls() { SSL_CTX_free(context); }

  SSL_CTX* context;
};

class TestHttp2Server::Connection final : public Http2Peer {
 public:
  Connection(TestHttp2Server& server, int fd, int number)
      : server_(server), fd_(fd), wake_(eventfd(0, EFD_CLOEXEC)), number_(number) {}
  ~Connection() override {
    if (thread_.joinable()) thread_.join();
    ::close(fd_);
    ::close(wake_);
  }

  void start() {
    thread_ = std::thread([this] { run(); });
  }
  void post(std::function<void(Http2Peer&)> call) {
    {
      std::scoped_lock lock(mutex_);
      calls_.push_back(std::move(call));
    }
    wake();
  }
  void stop() {
    is_stopped_ = true;
    wake();
  }

  void respond(std::int32_t stream, int status, std::string body,
               const Http2Headers& headers) override {
    const std::string code = std::to_string(status);
    std::vector<nghttp2_nv> fields{field(":status", code)};
    for (const auto& [name, value] : headers) fields.push_back(field(name, value));
    bodies_[stream] = {std::move(body), 0};
    nghttp2_data_provider provider{};
    provider.read_callback = read_body;
    nghttp2_submit_response(session_, stream, fields.data(), fields.size(), &provider);
  }
  void reset(std::int32_t stream, std::uint32_t code) override {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, code);
  }
  void goaway(std::int32_t last_stream, std::uint32_t code) override {
    nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, last_stream, code, nullptr, 0);
  }
  void set_stream_limit(std::uint32_t limit) override {
    const nghttp2_settings_entry entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limit};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, &entry, 1);
  }
  void raw(std::string bytes) override { raw_ += bytes; }
  void close() override { is_closing_ = true; }

 private:
  struct Body {
    std::string bytes;
    std::size_t sent = 0;
  };

  static Connection& self(void* user) { return *static_cast<Connection*>(user); }

  static ssize_t read_body(nghttp2_session*, std::int32_t id, std::uint8_t* buffer,
                           std::size_t length, std::uint32_t* flags, nghttp2_data_source*,
                           void* user) {
    Body& body = self(user).bodies_[id];
    const std::size_t size = std::min(length, body.bytes.size() - body.sent);
    std::copy_n(body.bytes.data() + body.sent, size, buffer);
    body.sent += size;
    if (body.sent == body.bytes.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(size);
  }
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                       std::uint8_t, void* user) {
    self(user).received_[frame->hd.stream_id].headers.emplace_back(
        std::string(name, name + name_size), std::string(value, value + value_size));
    return 0;
  }
  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                     std::size_t size, void* user) {
    self(user).received_[id].body.append(data, data + size);
    return 0;
  }
  static int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    Connection& me = self(user);
    if (frame->hd.type == NGHTTP2_RST_STREAM) me.server_.note_reset();
    if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0 &&
        me.server_.options_.acknowledges_pings) {
      nghttp2_submit_ping(session, NGHTTP2_FLAG_ACK, frame->ping.opaque_data);
    }
    const bool is_of_request = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (is_of_request && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
      me.request_complete(frame->hd.stream_id);
    }
    return 0;
  }

  void request_complete(std::int32_t id) {
    Http2Received& request = received_[id];
    request.connection = number_;
    request.stream = id;
    const Handler handler = server_.take_request(request);
    if (handler) {
      handler(request, *this);
    } else {
      respond(id, 200, "ok", {});
    }
  }

  void wake() const {
    const std::uint64_t one = 1;
    static_cast<void>(::write(wake_, &one, sizeof one));
  }

  bool start_session() {
    if (number_ <= server_.options_.hanging_handshakes) {
      std::array<char, 4096> ignored;
      while (::recv(fd_, ignored.data(), ignored.size(), 0) > 0) {
      }
      return false;
    }
    if (server_.tls_) {
      ssl_ = SSL_new(server_.tls_->context);
      SSL_set_fd(ssl_, fd_);
      if (SSL_accept(ssl_) != 1) return false;
    }
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_ping_ack(option, 1);
    nghttp2_session_server_new2(&session_, callbacks, this, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    std::vector<nghttp2_settings_entry> settings;
    const Http2ServerOptions& options = server_.options_;
    if (options.stream_limit) {
      settings.push_back({NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, *options.stream_limit});
    }
    if (options.stream_window) {
      settings.push_back({NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, *options.stream_window});
    }
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
    return true;
  }

  bool write(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ssl_ != nullptr
                            ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                            : static_cast<int>(::send(fd_, bytes.data(), bytes.size(), 0));
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  bool write_all() {
    for (;;) {
      const std::uint8_t* data = nullptr;
      const auto size = nghttp2_session_mem_send(session_, &data);
      if (size < 0) return false;
      if (size == 0) break;
      const auto* begin = reinterpret_cast<const char*>(data);
      if (!write({begin, static_cast<std::size_t>(size)})) return false;
    }
    return write(std::exchange(raw_, {})) && !is_closing_;
  }

  bool read_once() {
    std::array<char, 16 * 1024> buffer;
    const auto got = ssl_ != nullptr
                         ? SSL_read(ssl_, buffer.data(), static_cast<int>(buffer.size()))
                         : static_cast<int>(::recv(fd_, buffer.data(), buffer.size(), 0));
    if (got <= 0) return false;
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
    return nghttp2_session_mem_recv(session_, bytes_of(bytes), bytes.size()) >= 0;
  }

  void make_calls() {
    std::uint64_t count = 0;
    static_cast<void>(::read(wake_, &count, sizeof count));
    std::vector<std::function<void(Http2Peer&)>> calls;
    {
      std::scoped_lock lock(mutex_);
      calls.swap(calls_);
    }
    for (const auto& call : calls) call(*this);
  }

  void run() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    bool is_well = start_session();
    while (is_well && write_all() && !is_stopped_) {
      const bool has_more = ssl_ != nullptr && SSL_pending(ssl_) > 0;
      std::array<pollfd, 2> polled{{{fd_, POLLIN, 0}, {wake_, POLLIN, 0}}};
      ::poll(polled.data(), polled.size(), has_more ? 0 : -1);
      if (polled[1].revents != 0) make_calls();
      if (has_more || polled[0].revents != 0) is_well = read_once();
    }
    if (ssl_ != nullptr && is_well) SSL_shutdown(ssl_);
    SSL_free(ssl_);
    ::shutdown(fd_, SHUT_RDWR);
    nghttp2_session_del(session_);
  }

  TestHttp2Server& server_;
  int fd_;
  int wake_;
  int number_;
  std::thread thread_;
  SSL* ssl_ = nullptr;
  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, Http2Received> received_;
  std::map<std::int32_t, Body> bodies_;
  std::string raw_;
  bool is_closing_ = false;
  std::atomic<bool> is_stopped_{false};
  std::mutex mutex_;
  std::vector<std::function<void(Http2Peer&)>> calls_;
};

TestHttp2Server::TestHttp2Server(Http2ServerOptions options) : options_(options) {
  if (options_.is_tls) tls_ = std::make_unique<Tls>();
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, raw, size) != 0 || ::listen(listener_, 1024) != 0 ||
      ::getsockname(listener_, raw, &size) != 0) {
    throw std::runtime_error("cannot listen on 127.0.0.1");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

TestHttp2Server::~TestHttp2Server() {
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  for (const auto& connection : connections_) connection->stop();
  connections_.clear();
}

void TestHttp2Server::accept_all() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    std::scoped_lock lock(mutex_);
    connections_.push_back(
        std::make_unique<Connection>(*this, fd, static_cast<int>(connections_.size()) + 1));
    connections_.back()->start();
    changed_.notify_all();
  }
}

void TestHttp2Server::note_reset() {
  std::scoped_lock lock(mutex_);
  ++resets_;
  changed_.notify_all();
}

TestHttp2Server::Handler TestHttp2Server::take_request(const Http2Received& request) {
  std::scoped_lock lock(mutex_);
  requests_.push_back(request);
  changed_.notify_all();
  const std::string path = request.header(":path");
  const auto found = handlers_.find(path.substr(0, path.find('?')));
  return found == handlers_.end() ? Handler() : found->second;
}

void TestHttp2Server::on(const std::string& path, Handler handler) {
  std::scoped_lock lock(mutex_);
  handlers_[path] = std::move(handler);
}

void TestHttp2Server::hang(const std::string& path) {
  on(path, [](const Http2Received&, Http2Peer&) {});
}

void TestHttp2Server::with_peers(const std::function<void(Http2Peer&)>& call) {
  std::scoped_lock lock(mutex_);
  for (const auto& connection : connections_) connection->post(call);
}

std::string TestHttp2Server::url(std::string_view path) const {
  return std::string(tls_ ? "https" : "http") + "://127.0.0.1:" + std::to_string(port_) +
         std::string(path);
}

std::vector<Http2Received> TestHttp2Server::requests() const {
  std::scoped_lock lock(mutex_);
  return requests_;
}

int TestHttp2Server::connection_count() const {
  std::scoped_lock lock(mutex_);
  return static_cast<int>(connections_.size());
}

bool TestHttp2Server::wait_for_requests(std::size_t count) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return requests_.size() >= count; });
}

bool TestHttp2Server::wait_for_resets(std::size_t count) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return resets_ >= count; });
}

std::string TestHttp2Server::frame(std::uint8_t type, std::uint8_t flags, std::int32_t stream,
                                   std::string_view payload) {
  std::string bytes;
  for (const std::size_t shift : {16U, 8U, 0U}) {
    bytes.push_back(static_cast<char>((payload.size() >> shift) & 0xff));
  }
  bytes.push_back(static_cast<char>(type));
  bytes.push_back(static_cast<char>(flags));
  for (const unsigned shift : {24U, 16U, 8U, 0U}) {
    bytes.push_back(static_cast<char>((static_cast<unsigned>(stream) >> shift) & 0xff));
  }
  return bytes.append(payload);
}

}  // namespace patient_http::test
