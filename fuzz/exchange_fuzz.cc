// What a server sends, over a socket, through Http1Connection and BodySink as the engine has them:
// every exchange is settled once, whole bytes and pieces come to the same, and no body is larger
// than its limit. The first byte steers the pieces.
#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <optional>
#include <string>

#include "engine/body_sink.h"
#include "engine/http1_connection.h"
#include "engine/prepared_request.h"
#include "fuzz/property.h"

namespace {

using namespace patient_http;
using fuzz::require;

constexpr std::size_t kLargestBody = 20'000;
// For what a loop may put off; each reads 64 KB.
constexpr int kMostTurns = 20;

// What a response came to.
struct Outcome {
  int settled = 0;
  std::optional<ErrorKind> error;
  int status = 0;
  std::string headers;
  std::string body;

  bool operator==(const Outcome&) const = default;
};

// Does with a response what a Transfer does.
class Listener final : public engine::ExchangeListener {
 public:
  Listener(engine::HttpConnection& connection, engine::BodyBudget& budget)
      : connection_(connection), sink_(kLargestBody, budget) {}

  void on_sent() override {}
  void on_response_head(int status, HttpHeaders headers, std::int64_t content_length) override {
    require(outcome_.settled == 0 && outcome_.status == 0, "there is one head");
    require(status >= 200 && status <= 999, "a status is a status");
    outcome_.status = status;
    outcome_.headers = headers.to_json().dump();
    take(sink_.begin(headers.get("content-encoding").value_or(""), content_length));
  }
  void on_body(std::string_view bytes) override {
    require(outcome_.status != 0, "a head comes before its body");
    take(sink_.append(bytes));
  }
  void on_exchange_done() override {
    require(outcome_.status != 0, "a response has a head");
    if (const auto ended = sink_.end(); !ended) return settle(ErrorKind::kDecode);
    outcome_.body = sink_.take_body().value_or("");
    require(outcome_.body.size() <= kLargestBody, "a body is within its limit");
    settle(std::nullopt);
  }
  void on_exchange_failed(engine::ExchangeFailure failure) override {
    require(!failure.message.empty(), "a failure has a message");
    settle(failure.kind);
  }
  [[nodiscard]] std::size_t may_read() override { return kLargestBody; }

  [[nodiscard]] bool is_settled() const { return outcome_.settled > 0; }
  [[nodiscard]] const Outcome& outcome() const { return outcome_; }

 private:
  template <class T>
  void take(const Result<T, engine::BodySink::Failed>& taken) {
    require(!is_settled(), "nothing comes after the end");
    if (taken) return;
    require(!taken.error().message.empty(), "a failure has a message");
    connection_.abandon(*this);
    settle(taken.error().problem == engine::BodySink::Problem::kTooLarge
               ? ErrorKind::kResponseTooLarge
               : ErrorKind::kDecode);
  }
  void settle(std::optional<ErrorKind> error) {
    ++outcome_.settled;
    outcome_.error = error;
  }

  engine::HttpConnection& connection_;
  engine::BodySink sink_;
  Outcome outcome_;
};

class Owner final : public engine::ConnectionOwner {
 public:
  void on_room_changed(engine::HttpConnection&) override { is_idle = true; }
  void on_draining(engine::HttpConnection&) override {}
  void on_http1_required(engine::HttpConnection&) override {}
  void on_connection_closed(engine::HttpConnection&) override { is_closed = true; }

  bool is_idle = false;
  bool is_closed = false;
};

class NobodyYet final : public net::ReadyHandler {
 public:
  void on_ready(net::Interest) override {}
};

Outcome exchange(std::string_view bytes, fuzz::PieceLengths lengths) {
  static net::EventLoop loop;
  static std::array<char, 16384> scratch;
  NobodyYet nobody;
  Owner owner;
  engine::BodyBudget budget(kLargestBody, [] {});
  std::array<int, 2> sockets{};
  require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sockets.data()) == 0,
          "there is a pair of sockets");
  const net::Fd server(sockets[1]);
  net::Stream stream{net::Fd(sockets[0])};
  net::Watch watch = loop.watch(stream.fd(), {}, nobody);
  engine::Http1Connection connection(std::move(stream), std::move(watch), "peer", {}, scratch,
                                     owner);
  Listener listener(connection, budget);
  engine::PreparedRequest request;
  request.target = "/";
  connection.start(request, {}, listener);
  const auto turn = [] { loop.turn(std::chrono::steady_clock::now()); };

  while (!bytes.empty() && !listener.is_settled()) {
    const std::string_view piece = bytes.substr(0, lengths.next());
    bytes.remove_prefix(piece.size());
    require(::send(server.get(), piece.data(), piece.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(piece.size()),
            "a piece fits into the socket");
    turn();
  }
  ::shutdown(server.get(), SHUT_WR);
  for (int i = 0; i < kMostTurns && !owner.is_closed; ++i) turn();

  require(listener.outcome().settled == 1, "an exchange is settled once");
  require(owner.is_closed, "a connection that has ended is closed");
  // A body that is not complete as compressed data may have come in a message that is.
  const auto error = listener.outcome().error;
  require(!owner.is_idle || !error || error == ErrorKind::kDecode,
          "no connection is used after a failure");
  return listener.outcome();
}

// Whether a body is found to be too large or to be broken is a matter of which piece is first.
bool is_about_the_body(const Outcome& outcome) {
  return outcome.error == ErrorKind::kDecode || outcome.error == ErrorKind::kResponseTooLarge;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Steering steering(fuzz::text_of(data, size));
  const unsigned seed = steering.byte();
  const std::string_view bytes = steering.rest();
  const Outcome whole = exchange(bytes, fuzz::PieceLengths::all_of(bytes.size()));
  const Outcome pieces = exchange(bytes, fuzz::PieceLengths::up_to(1 + seed, seed));
  require(whole.error == pieces.error || (is_about_the_body(whole) && is_about_the_body(pieces)),
          "pieces come to the same end as the whole");
  require(whole.error || whole == pieces, "pieces make the same response as the whole");
  return 0;
}
