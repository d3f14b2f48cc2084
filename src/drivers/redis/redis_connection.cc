#include "drivers/redis/redis_connection.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <system_error>
#include <vector>

#include "drivers/redis/redis_dial.h"

namespace patient_http::redis {

namespace {

// RESP2: an array of strings.
void append_command(std::string& out, Words words) {
  std::size_t size = 16;
  for (const std::string_view word : words) size += word.size() + 32;
  out.reserve(out.size() + size);
  out += '*';
  out += std::to_string(words.size());
  for (const std::string_view word : words) {
    out += "\r\n$";
    out += std::to_string(word.size());
    out += "\r\n";
    out += word;
  }
  out += "\r\n";
}

std::string name_of(Words words) {
  return words.empty() ? std::string("(nothing)") : std::string(words.front());
}

std::string in_seconds(std::chrono::milliseconds time) {
  std::string text = std::to_string(time.count() / 1000);
  if (const auto rest = time.count() % 1000; rest != 0) {
    std::string digits = std::to_string(1000 + rest).substr(1);
    digits.erase(digits.find_last_not_of('0') + 1);
    text += "." + digits;
  }
  return text + " s";
}

}  // namespace

RedisConnection::RedisConnection(const RedisConnectionOptions& options)
    : options_(options), server_(describe(options.address)) {}

RedisResult<std::unique_ptr<RedisConnection>> RedisConnection::open(
    const RedisConnectionOptions& options) {
  std::unique_ptr<RedisConnection> connection(new RedisConnection(options));
  const TimePoint deadline = std::chrono::steady_clock::now() + options.time_limit;
  if (options.address.is_tls) {
    auto context = net::TlsContext::create(options.ca_file);
    if (!context) return connection->lost(context.error().message);
    connection->tls_ = std::move(*context);
  }
  const net::TlsContext* const tls = connection->tls_ ? &*connection->tls_ : nullptr;
  auto stream = dial(options.address, tls, deadline);
  if (!stream) return connection->lost(stream.error().message);
  connection->stream_ = std::move(*stream);
  if (auto done = connection->greet(deadline); !done) return unexpected(std::move(done.error()));
  return connection;
}

// All in one go. What the name of the client comes to does not matter, but for what it says about
// the connection: a server that wants a password lets nothing else through.
RedisResult<void> RedisConnection::greet(TimePoint deadline) {
  const RedisAddress& address = options_.address;
  const std::string database = std::to_string(address.database);
  std::vector<std::vector<std::string_view>> commands;
  if (!address.user.empty()) {
    commands.push_back({"AUTH", address.user, address.password});
  } else if (!address.password.empty()) {
    commands.push_back({"AUTH", address.password});
  }
  if (address.database != 0) commands.push_back({"SELECT", database});
  commands.push_back({"CLIENT", "SETNAME", options_.client_name});

  std::string bytes;
  for (const auto& command : commands) {
    append_command(bytes, command);
    awaited_.push_back(name_of(command));
  }
  if (auto done = write_all(bytes, deadline); !done) return done;
  std::optional<RedisFailure> first;
  for (const auto& command : commands) {
    const RedisResult<RedisReply> reply = read_reply(deadline);
    if (!reply) return first ? unexpected(*first) : unexpected(reply.error());
    if (!reply->is_error() || first) continue;
    RedisFailure failure = failure_of_error(command.front(), server_, reply->text());
    if (command.front() != "CLIENT") {
      if (failure.kind == RedisFailure::Kind::kRefused)
        failure.kind = RedisFailure::Kind::kAuthentication;
      first = std::move(failure);
    } else if (failure.kind == RedisFailure::Kind::kAuthentication ||
               reply->text().starts_with("ERR max number of clients")) {
      first = std::move(failure);
    }
  }
  is_greeted_ = true;
  if (!first) return {};
  close();
  return unexpected(std::move(*first));
}

RedisResult<RedisReply> RedisConnection::call(Words words) {
  RedisResult<RedisReply> reply = exchange(words);
  if (reply && reply->is_error())
    return unexpected(failure_of_error(name_of(words), server_, reply->text()));
  return reply;
}

RedisResult<RedisReply> RedisConnection::exchange(Words words, std::string_view name) {
  assert(awaited_.empty());
  const TimePoint deadline = std::chrono::steady_clock::now() + options_.time_limit;
  std::string bytes;
  append_command(bytes, words);
  awaited_.push_back(name.empty() ? name_of(words) : std::string(name));
  if (auto done = write_all(bytes, deadline); !done) return unexpected(std::move(done.error()));
  bytes.clear();
  bytes.shrink_to_fit();  // may be large, and so may the reply
  return read_reply(deadline);
}

RedisResult<void> RedisConnection::send(Words words) {
  std::string bytes;
  append_command(bytes, words);
  awaited_.push_back(name_of(words));
  return write_all(bytes, std::chrono::steady_clock::now() + options_.time_limit);
}

RedisResult<std::optional<RedisReply>> RedisConnection::receive() {
  for (;;) {
    auto reply = next_reply();
    if (!reply) return reply;
    if (*reply) {
      if (!(*reply)->is_error()) return reply;
      return unexpected(failure_of_error(last_answered_, server_, (*reply)->text()));
    }
    const RedisResult<bool> got = read_some();
    if (!got) return unexpected(got.error());
    if (!*got) return std::nullopt;
  }
}

bool RedisConnection::has_unread() const {
  return stream_ && (may_have_reply_ || stream_->has_buffered_bytes());
}

bool RedisConnection::check_idle() {
  if (!stream_) return false;
  const RedisResult<bool> got = read_some();
  if (got && !*got && !reader_.has_bytes()) return true;
  close();
  return false;
}

void RedisConnection::close() {
  stream_.reset();
  awaited_.clear();
  may_have_reply_ = false;
}

// Reads as well: a server that is sending a long reply may not be reading.
RedisResult<void> RedisConnection::write_all(std::string_view bytes, TimePoint deadline) {
  while (!bytes.empty()) {
    if (!stream_) return lost("it was closed before");
    const net::IoResult sent = stream_->write(bytes);
    switch (sent.status) {
      case net::IoStatus::kDone:
        bytes.remove_prefix(sent.bytes);
        continue;
      case net::IoStatus::kWantRead:
      case net::IoStatus::kWantWrite: {
        const RedisResult<bool> got = read_some();
        if (!got) return unexpected(got.error());
        if (*got) continue;
        auto ready = wait(sent.status == net::IoStatus::kWantWrite, deadline);
        if (!ready) return ready;
        continue;
      }
      case net::IoStatus::kEnd:
        return lost("the server closed it");
      case net::IoStatus::kFailed: {
        const std::string why = stream_->last_failure().message;
        for (;;) {  // what the server said before
          const RedisResult<bool> got = read_some();
          if (!got) return unexpected(got.error());
          if (!*got) return lost(why);
        }
      }
    }
  }
  return {};
}

RedisResult<RedisReply> RedisConnection::read_reply(TimePoint deadline) {
  for (;;) {
    auto reply = next_reply();
    if (!reply) return unexpected(std::move(reply.error()));
    if (*reply) return std::move(**reply);
    const RedisResult<bool> got = read_some();
    if (!got) return unexpected(got.error());
    if (*got) continue;
    if (auto ready = wait(false, deadline); !ready) return unexpected(std::move(ready.error()));
  }
}

RedisResult<std::optional<RedisReply>> RedisConnection::next_reply() {
  if (!may_have_reply_) return std::nullopt;
  auto reply = reader_.next();
  if (!reply) return lost(reply.error().message);
  may_have_reply_ = *reply && reader_.has_bytes();
  if (*reply) {
    last_answered_.clear();
    if (!awaited_.empty()) {
      last_answered_ = std::move(awaited_.front());
      awaited_.pop_front();
    }
  }
  return std::move(*reply);
}

RedisResult<bool> RedisConnection::read_some() {
  constexpr std::size_t kBytes = 64 * 1024;
  if (!stream_) return lost("it was closed before");
  std::array<char, kBytes> buffer;
  const net::IoResult got = stream_->read(buffer);
  read_wants_write_ = got.status == net::IoStatus::kWantWrite;
  switch (got.status) {
    case net::IoStatus::kDone: {
      const auto fed = reader_.feed({buffer.data(), got.bytes});
      if (!fed) return lost(fed.error().message);
      may_have_reply_ = true;
      return true;
    }
    case net::IoStatus::kWantRead:
    case net::IoStatus::kWantWrite:
      return false;
    case net::IoStatus::kEnd:
      return lost("the server closed it");
    case net::IoStatus::kFailed:
      break;
  }
  return lost(stream_->last_failure().message);
}

RedisResult<void> RedisConnection::wait(bool for_writing, TimePoint deadline) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd waiting{stream_->fd(), POLLIN, 0};
    if (for_writing || read_wants_write_) waiting.events |= POLLOUT;
    const int ready = ::poll(
        &waiting, 1,
        static_cast<int>(std::max<std::int64_t>(0, std::min<std::int64_t>(left.count(), INT_MAX))));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return lost("poll: " + std::generic_category().message(errno));
    if (ready == 0) return lost("no reply within " + in_seconds(options_.time_limit));
  }
}

tl::unexpected<RedisFailure> RedisConnection::lost(std::string_view why) {
  // A server that turns us away, or wants no value so large, says so and closes the connection
  // without reading any further.
  if (may_have_reply_ && !awaited_.empty()) {
    const auto reply = reader_.next();
    if (reply && *reply && (*reply)->is_error()) {
      RedisFailure failure = failure_of_error(awaited_.front(), server_, (*reply)->text());
      close();
      return unexpected(std::move(failure));
    }
  }
  std::string message;
  if (!is_greeted_) {
    message = "cannot connect to " + server_ + ": ";
  } else if (awaited_.empty()) {
    message = "the connection to " + server_ + " is lost: ";
  } else {
    message = awaited_.front() + " on " + server_ + " failed, and its connection is lost: ";
  }
  message += why;
  close();
  return unexpected(RedisFailure{RedisFailure::Kind::kUnavailable, std::move(message)});
}

}  // namespace patient_http::redis
