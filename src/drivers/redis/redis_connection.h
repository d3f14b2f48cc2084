#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "drivers/net/stream.h"
#include "drivers/net/tls_context.h"
#include "drivers/redis/redis_failure.h"
#include "drivers/redis/redis_reply.h"
#include "drivers/redis/redis_url.h"
#include "drivers/redis/reply_reader.h"

namespace patient_http::redis {

struct RedisConnectionOptions {
  RedisAddress address = {};
  // Certificates to trust with TLS, PEM; empty: the system's.
  std::string ca_file = {};
  // For connecting, and for each command with its reply. Bytes that are there at the end of it are
  // still taken: what stalls afterwards is given up.
  std::chrono::milliseconds time_limit = std::chrono::seconds(3);
  // What CLIENT LIST shows.
  std::string client_name = "patient-http";
};

// The words of a command; views are borrowed for the call.
using Words = std::span<const std::string_view>;

// One connection to one server. After a failure of the connection it is closed for good.
//
// Thread safety: one thread at a time. It starts none, and never raises SIGPIPE.
class RedisConnection {
 public:
  // Connects, authenticates and selects the database. kAuthentication when the server refuses
  // that, kUnavailable otherwise.
  [[nodiscard]] static RedisResult<std::unique_ptr<RedisConnection>> open(
      const RedisConnectionOptions& options);
  RedisConnection(const RedisConnection&) = delete;
  RedisConnection& operator=(const RedisConnection&) = delete;

  // Sends a command and waits for its reply, up to the time limit. An error reply is a failure
  // that leaves the connection open. REQUIRES: no reply to send() is awaited.
  [[nodiscard]] RedisResult<RedisReply> call(Words words);
  // The same, with an error reply as a value. `name` is what messages call the command; empty: its
  // first word.
  [[nodiscard]] RedisResult<RedisReply> exchange(Words words, std::string_view name = {});

  // For commands that block in the server: sends, within the time limit, and does not wait for the
  // reply.
  [[nodiscard]] RedisResult<void> send(Words words);
  // The next reply to what was sent; empty when it is not there yet. Never waits: poll fd() for
  // reading, unless has_unread().
  [[nodiscard]] RedisResult<std::optional<RedisReply>> receive();

  // -1 when closed.
  [[nodiscard]] int fd() const { return stream_ ? stream_->fd() : -1; }
  // Whether there is something to receive() that poll() will not announce.
  [[nodiscard]] bool has_unread() const;

  [[nodiscard]] bool is_open() const { return stream_.has_value(); }
  // Whether an idle connection is still good: reads, without waiting, what must not be there. The
  // end of the connection closes it. REQUIRES: no reply is awaited.
  [[nodiscard]] bool check_idle();
  void close();

 private:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit RedisConnection(const RedisConnectionOptions& options);

  [[nodiscard]] RedisResult<void> greet(TimePoint deadline);
  [[nodiscard]] RedisResult<void> write_all(std::string_view bytes, TimePoint deadline);
  [[nodiscard]] RedisResult<RedisReply> read_reply(TimePoint deadline);
  [[nodiscard]] RedisResult<std::optional<RedisReply>> next_reply();
  // False: nothing was there.
  [[nodiscard]] RedisResult<bool> read_some();
  [[nodiscard]] RedisResult<void> wait(bool for_writing, TimePoint deadline);
  // Closes the connection.
  [[nodiscard]] tl::unexpected<RedisFailure> lost(std::string_view why);

  RedisConnectionOptions options_;
  std::string server_;  // see describe()
  std::optional<net::TlsContext> tls_;
  std::optional<net::Stream> stream_;
  ReplyReader reader_;
  std::deque<std::string> awaited_;  // the commands whose replies have not come
  std::string last_answered_;        // the one whose reply came last
  bool is_greeted_ = false;
  bool read_wants_write_ = false;  // TLS
  bool may_have_reply_ = false;    // bytes in reader_ that were not tried yet
};

}  // namespace patient_http::redis
