#include "drivers/redis/redis_client.h"

#include <algorithm>
#include <utility>

#include "base/random.h"

namespace patient_http::redis {

namespace {

constexpr std::size_t kMostIdle = 16;

bool is_of_no_primary(std::string_view error) {
  const std::string_view code = error_code(error);
  return code == "READONLY" || code == "NOREPLICAS" || code == "UNBLOCKED";
}

std::chrono::milliseconds back_off(std::uint64_t failures) {
  constexpr std::chrono::milliseconds kFirst{50};
  constexpr std::chrono::milliseconds kMost{3000};
  constexpr std::uint64_t kDoublings = 6;  // reach kMost
  const auto full = std::min(kMost, kFirst * (1 << std::min(failures - 1, kDoublings)));
  constexpr double kLeast = 0.75;
  const double part = kLeast + (1 - kLeast) * base::random_fraction();
  return std::chrono::milliseconds(
      static_cast<std::int64_t>(static_cast<double>(full.count()) * part));
}

RedisResult<RedisReply> load(RedisConnection& connection, const RedisScript& script) {
  constexpr std::string_view kScript = "SCRIPT";
  constexpr std::string_view kLoad = "LOAD";
  RedisResult<RedisReply> reply =
      connection.exchange({{kScript, kLoad, script.text()}}, script.name());
  if (reply && !reply->is_error()) script.set_sha1(reply->text());
  return reply;
}

}  // namespace

RedisClient::RedisClient(RedisConnectionOptions options)
    : options_(std::move(options)), server_(describe(options_.address)) {}

RedisResult<RedisReply> RedisClient::call(Words words) {
  const std::string_view name = words.empty() ? std::string_view() : words.front();
  return with_connection(
      name, [words](RedisConnection& connection) { return connection.exchange(words); });
}

RedisResult<RedisReply> RedisClient::run(const RedisScript& script,
                                         std::span<const std::string_view> keys,
                                         std::span<const std::string_view> arguments) {
  const std::string key_count = std::to_string(keys.size());
  std::vector<std::string_view> words = {"EVALSHA", "", key_count};
  constexpr std::size_t kShaPlace = 1;
  words.insert(words.end(), keys.begin(), keys.end());
  words.insert(words.end(), arguments.begin(), arguments.end());
  return with_connection(script.name(), [&](RedisConnection& connection) {
    std::string sha1 = script.sha1();
    for (bool was_loaded = false;; was_loaded = true) {
      if (sha1.empty()) {
        RedisResult<RedisReply> loaded = load(connection, script);
        if (!loaded || loaded->is_error()) return loaded;
        sha1 = loaded->text();
      }
      words[kShaPlace] = sha1;
      RedisResult<RedisReply> reply = connection.exchange(words, script.name());
      const bool is_unknown = reply && reply->is_error() && error_code(reply->text()) == "NOSCRIPT";
      if (!is_unknown || was_loaded) return reply;
      sha1.clear();
    }
  });
}

RedisResult<RedisReply> RedisClient::with_connection(std::string_view name,
                                                     const Exchange& exchange) {
  auto connection = take();
  if (!connection) return unexpected(std::move(connection.error()));
  RedisResult<RedisReply> reply = exchange(**connection);
  if (reply && reply->is_error() && is_of_no_primary(reply->text())) {
    (*connection)->close();
    drop_idle();
    connection = connect();
    if (!connection) return unexpected(std::move(connection.error()));
    reply = exchange(**connection);
  }
  put_back(std::move(*connection));
  if (reply && reply->is_error()) return unexpected(failure_of_error(name, server_, reply->text()));
  return reply;
}

RedisResult<std::unique_ptr<RedisConnection>> RedisClient::connect() {
  std::uint64_t failures_before = 0;
  {
    base::MutexLock lock(mutex_);
    if (last_failure_ && std::chrono::steady_clock::now() < next_connect_)
      return unexpected(*last_failure_);
    failures_before = failures_;
  }
  auto connection = RedisConnection::open(options_);
  if (!connection) {
    note_failure(failures_before, connection.error());
    return connection;
  }
  opened_.fetch_add(1);
  base::MutexLock lock(mutex_);
  failures_ = 0;
  last_failure_.reset();
  return connection;
}

// Several threads that failed at the same time count as one failure.
void RedisClient::note_failure(std::uint64_t failures_before, const RedisFailure& failure) {
  base::MutexLock lock(mutex_);
  if (failures_ != failures_before) return;
  ++failures_;
  last_failure_ = failure;
  next_connect_ = std::chrono::steady_clock::now() + back_off(failures_);
}

RedisResult<std::unique_ptr<RedisConnection>> RedisClient::take() {
  for (;;) {
    std::unique_ptr<RedisConnection> connection;
    {
      base::MutexLock lock(mutex_);
      if (!idle_.empty()) {
        connection = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    if (!connection) return connect();
    if (connection->check_idle()) return connection;
  }
}

void RedisClient::put_back(std::unique_ptr<RedisConnection> connection) {
  if (!connection->is_open()) return;
  base::MutexLock lock(mutex_);
  if (idle_.size() < kMostIdle) idle_.push_back(std::move(connection));
}

void RedisClient::drop_idle() {
  std::vector<std::unique_ptr<RedisConnection>> dropped;  // closed without the lock
  base::MutexLock lock(mutex_);
  dropped.swap(idle_);
}

}  // namespace patient_http::redis
