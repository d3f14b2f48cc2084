#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/test_certificate.h"

namespace patient_http::test {

// A request as it came in over a connection.
struct ReceivedRequest {
  int connection = 0;  // counted from 1, in the order of accepting
  std::string method;
  std::string target;  // path and query
  std::string head;    // with the empty line
  std::string body;
  std::string client;  // the name in the certificate that the client showed

  // The values of a header in order, lower-case name.
  [[nodiscard]] std::vector<std::string> header(std::string_view name) const;
};

class TestHttpServer;

// One accepted connection, for a handler that wants to misbehave.
class ServerConnection {
 public:
  virtual ~ServerConnection() = default;
  // False when the peer is gone.
  virtual bool send(std::string_view bytes) = 0;
  // Beside TLS, where there is TLS: what is no record.
  virtual void send_raw(std::string_view bytes) = 0;
  // Sends a TLS 1.3 session ticket: bytes on the wire that are no data.
  virtual void send_session_ticket() = 0;
  // Ends the connection in order; with TLS with a close_notify.
  virtual void close() = 0;
  // Ends the TCP connection without ending TLS.
  virtual void cut() = 0;
  // Ends it with a TCP reset.
  virtual void reset() = 0;
  // Waits until the peer has ended the connection, or the server stops.
  virtual void wait_for_peer_to_close() = 0;
};

// A real HTTP server on 127.0.0.1, plain or TLS, with a thread per connection. It answers by path;
// "/" and unknown paths get 200 and "ok".
class TestHttpServer {
 public:
  using Handler = std::function<void(const ReceivedRequest&, ServerConnection&)>;
  using AcceptHandler = std::function<void(int connection, ServerConnection&)>;

  explicit TestHttpServer(const TestCertificate* tls = nullptr);
  ~TestHttpServer();
  TestHttpServer(const TestHttpServer&) = delete;
  TestHttpServer& operator=(const TestHttpServer&) = delete;

  // Called before the TLS handshake, with TLS, on each connection, which it may end. Before they
  // come.
  void on_accept(AcceptHandler handler);
  // The handler for a path, query left out. Before requests for it come.
  void on(const std::string& path, Handler handler);
  // Called with the head of a request for a path, before its body is read: for servers that answer
  // early. The body is then read and on() called, unless the handler has ended the connection.
  void on_head(const std::string& path, Handler handler);
  // A whole response with content-length.
  void answer(const std::string& path, int status, const std::string& body,
              const std::string& headers = "");
  // Bytes as they are, then the connection is closed in order.
  void answer_raw(const std::string& path, const std::string& bytes);
  // Sends these bytes on every connection, before it is asked for anything.
  void greet(const std::string& bytes);
  // Reads the request and never answers.
  void hang(const std::string& path);

  [[nodiscard]] std::string url(std::string_view path, std::string_view host = "127.0.0.1") const;
  [[nodiscard]] int port() const { return port_; }

  [[nodiscard]] std::vector<ReceivedRequest> requests() const;
  [[nodiscard]] int connection_count() const;
  // Connections that resumed a TLS session.
  [[nodiscard]] int resumed_count() const { return resumed_; }
  // With TLS, before connections come: asks each client for a certificate of the test CA, and
  // refuses those without one if it must be there.
  void ask_for_certificate(bool is_required);
  // Sends its own certificate so often again that they are `bytes` or more.
  void pad_certificate_chain(std::size_t bytes);
  // Speaks no TLS newer than 1.2.
  void stay_at_tls12();
  // Takes none of the TLS sessions that were given out so far, as after a restart.
  void forget_sessions();
  // Waits until `count` requests for `path` came in; false after `patience`.
  [[nodiscard]] bool wait_for_requests(
      std::string_view path, std::size_t count = 1,
      std::chrono::seconds patience = std::chrono::seconds(20)) const;
  // Lets handlers that call wait_for_release() go on.
  void release();
  void wait_for_release();
  // Whether they may go on, after waiting for it no longer than `patience`.
  [[nodiscard]] bool wait_for_release(std::chrono::milliseconds patience);

  // The response of answer(), for handlers.
  [[nodiscard]] static std::string response(int status, const std::string& body,
                                            const std::string& headers = "");

 private:
  class Connection;

  void accept_all();
  void serve(Connection& connection);
  [[nodiscard]] Handler handler_for(const ReceivedRequest& request) const;
  void call_head_handler(const ReceivedRequest& request, Connection& connection) const;

  int listener_ = -1;
  int port_ = 0;
  struct TlsServer;
  std::unique_ptr<TlsServer> tls_;
  std::atomic<int> resumed_{0};
  std::thread acceptor_;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  AcceptHandler accept_handler_;  // not set any more when connections come
  std::map<std::string, Handler, std::less<>> handlers_;
  std::map<std::string, Handler, std::less<>> head_handlers_;
  std::vector<ReceivedRequest> requests_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::string greeting_;
  bool released_ = false;
  bool stopping_ = false;
};

}  // namespace patient_http::test
