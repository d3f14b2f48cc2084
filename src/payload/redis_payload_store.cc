#include "patient_http/redis_payload_store.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <utility>

#include "drivers/redis/redis_client.h"
#include "drivers/redis/redis_url.h"
#include "payload/payload_key.h"

namespace patient_http {

using payload::check_payload_key;
using redis::RedisReply;
using std::chrono::milliseconds;

namespace {

// What Redis takes as one value, unless proto-max-bulk-len says otherwise.
constexpr std::size_t kLargestValue = std::size_t{512} << 20;
// Later times do not fit into Redis's.
constexpr milliseconds kLongestLifetime = std::chrono::hours(24 * 36500);

// KEYS: payload, copy. ARGV: data, lifetime of the copy, lifetime of the payload or nothing.
constexpr std::string_view kStoreTwice =
    "redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])"
    " if ARGV[3] == '' then redis.call('SET', KEYS[1], ARGV[1])"
    " else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3]) end";

void check_lifetime(const char* name, const std::optional<milliseconds>& time,
                    std::vector<std::string>& problems) {
  if (time && (*time < milliseconds(1) || *time > kLongestLifetime)) {
    problems.push_back(std::string(name) +
                       " of the payload store must be at least 1 ms and at most 100 years");
  }
}

}  // namespace

std::vector<std::string> RedisPayloadStoreOptions::validate() const {
  std::vector<std::string> problems;
  if (const auto parsed = redis::parse_redis_url(url); !parsed)
    problems.push_back("the url of the payload store " + parsed.error().message);
  check_lifetime("lifetime", lifetime, problems);
  check_lifetime("second_copy_lifetime", second_copy_lifetime, problems);
  if (command_timeout < milliseconds(100))
    problems.emplace_back("command_timeout of the payload store must be at least 0.1 s");
  return problems;
}

struct RedisPayloadStore::Impl {
  Impl(const RedisPayloadStoreOptions& given, redis::RedisConnectionOptions connection)
      : options(given), client(std::move(connection)) {}

  [[nodiscard]] std::string name_of(const std::string& key) const { return options.prefix + key; }
  [[nodiscard]] std::string copy_of(const std::string& key) const {
    return options.prefix + "copy:" + key;
  }
  [[nodiscard]] Result<RedisReply> call(std::initializer_list<std::string_view> words) {
    auto reply = client.call({words.begin(), words.size()});
    if (!reply) return failure(std::move(reply.error().message));
    return std::move(*reply);
  }

  [[nodiscard]] Result<RedisReply> store_twice(const std::string& key, std::string_view data,
                                               std::string_view lifetime) {
    const std::string name = name_of(key);
    const std::string copy = copy_of(key);
    const std::string copy_lifetime = std::to_string(options.second_copy_lifetime->count());
    auto reply = client.run(twice, std::array<std::string_view, 2>{name, copy},
                            std::array{data, std::string_view(copy_lifetime), lifetime});
    if (!reply) return failure(std::move(reply.error().message));
    return std::move(*reply);
  }

  const RedisPayloadStoreOptions options;
  redis::RedisClient client;
  const redis::RedisScript twice{"store_twice", kStoreTwice};
};

RedisPayloadStore::RedisPayloadStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RedisPayloadStore::~RedisPayloadStore() = default;

Result<std::unique_ptr<RedisPayloadStore>> RedisPayloadStore::open(
    const RedisPayloadStoreOptions& options) {
  if (auto problems = options.validate(); !problems.empty())
    return failure(std::move(problems.front()));
  redis::RedisConnectionOptions connection;
  connection.address = redis::parse_redis_url(options.url).value();
  connection.ca_file = options.ca_file;
  connection.time_limit = options.command_timeout;
  auto impl = std::make_unique<Impl>(options, std::move(connection));
  // A command that is needed anyway: who may use nothing else passes.
  if (auto reply = impl->call({"EXISTS", options.prefix}); !reply)
    return unexpected(std::move(reply.error()));
  if (options.second_copy_lifetime) {  // of nothing: only to see that the server knows the command
    if (auto reply = impl->call({"COPY", options.prefix + "copy:", options.prefix}); !reply)
      return unexpected(std::move(reply.error()));
  }
  return std::unique_ptr<RedisPayloadStore>(new RedisPayloadStore(std::move(impl)));
}

Result<void> RedisPayloadStore::store(const std::string& key, std::string_view data) {
  if (auto checked = check_payload_key(key); !checked) return checked;
  if (data.size() > kLargestValue) {
    return failure("it has " + std::to_string(data.size()) +
                   " bytes, and Redis takes at most 512 MB as one value");
  }
  const RedisPayloadStoreOptions& options = impl_->options;
  const std::string name = impl_->name_of(key);
  const std::string lifetime = options.lifetime ? std::to_string(options.lifetime->count()) : "";
  const auto reply = options.second_copy_lifetime ? impl_->store_twice(key, data, lifetime)
                     : options.lifetime           ? impl_->call({"SET", name, data, "PX", lifetime})
                                                  : impl_->call({"SET", name, data});
  if (!reply) return unexpected(reply.error());
  return {};
}

Result<std::optional<std::string>> RedisPayloadStore::fetch(const std::string& key) {
  if (auto checked = check_payload_key(key); !checked) return unexpected(checked.error());
  auto reply = impl_->call({"GET", impl_->name_of(key)});
  if (!reply) return unexpected(std::move(reply.error()));
  if (reply->is_nil()) return std::optional<std::string>();
  return std::optional<std::string>(reply->take_text());
}

Result<void> RedisPayloadStore::remove(const std::string& key) {
  if (auto checked = check_payload_key(key); !checked) return checked;
  const std::string name = impl_->name_of(key);
  const auto reply = keeps_copies() ? impl_->call({"UNLINK", name, impl_->copy_of(key)})
                                    : impl_->call({"UNLINK", name});
  if (!reply) return unexpected(reply.error());
  return {};
}

Result<bool> RedisPayloadStore::exists(const std::string& key) {
  if (auto checked = check_payload_key(key); !checked) return unexpected(checked.error());
  const auto reply = impl_->call({"EXISTS", impl_->name_of(key)});
  if (!reply) return unexpected(reply.error());
  return reply->integer() > 0;
}

bool RedisPayloadStore::keeps_copies() const {
  return impl_->options.second_copy_lifetime.has_value();
}

Result<bool> RedisPayloadStore::restore(const std::string& key) {
  if (auto checked = check_payload_key(key); !checked) return unexpected(checked.error());
  if (!keeps_copies()) return false;
  // Nothing happens when the payload is there. The copy's end is copied, too.
  const auto reply = impl_->call({"COPY", impl_->copy_of(key), impl_->name_of(key)});
  if (!reply) return unexpected(reply.error());
  return reply->integer() == 1;
}

}  // namespace patient_http
