#include "daemon/payload_store_place.h"

#include <tuple>
#include <utility>

#include "base/url.h"
#include "daemon/option_value.h"
#include "patient_http/file_payload_store.h"
#include "patient_http/sqlite_payload_store.h"

namespace patient_http::daemon {

namespace {

using Type = PayloadStorePlace::Type;

// An inline table that is being written.
class InlineTable {
 public:
  explicit InlineTable(std::string_view type) : text_("{ type = " + toml_string(type)) {}

  void add(std::string_view key, const std::string& value) {
    text_.append(", ").append(key).append(" = ").append(value);
  }
  void add_text(std::string_view key, const std::string& value) {
    if (!value.empty()) add(key, toml_string(value));
  }
  [[nodiscard]] std::string finish() && { return std::move(text_) + " }"; }

 private:
  std::string text_;
};

std::string masked_redis(RedisPayloadStoreOptions redis) {
  InlineTable table("redis");
  if (!redis.url.empty()) table.add("url", toml_string(masked_url(redis.url)));
  table.add("prefix", toml_string(redis.prefix));
  if (redis.lifetime) table.add("lifetime", toml_of(&*redis.lifetime));
  if (redis.second_copy_lifetime)
    table.add("second_copy_lifetime", toml_of(&*redis.second_copy_lifetime));
  table.add_text("ca_file", redis.ca_file);
  return std::move(table).finish();
}

std::string masked_s3(const PayloadStorePlace& place) {
  S3PayloadStoreOptions s3 = place.s3;
  InlineTable table("s3");
  table.add_text("bucket", s3.bucket);
  table.add_text("region", s3.region);
  table.add_text("endpoint", s3.endpoint);
  if (s3.uses_paths) table.add("uses_paths", *s3.uses_paths ? "true" : "false");
  table.add("prefix", toml_string(s3.prefix));
  table.add("time_limit", toml_of(&s3.time_limit));
  table.add("retries", toml_of(&s3.retries));
  table.add_text("ca_file", s3.ca_file);
  for (const auto& [key, source] : place.secrets) table.add(key, source.masked_toml());
  return std::move(table).finish();
}

template <class Store>
Result<std::shared_ptr<PayloadStore>> shared(Result<std::unique_ptr<Store>> store) {
  if (!store) return unexpected(std::move(store.error()));
  return std::shared_ptr<PayloadStore>(std::move(*store));
}

}  // namespace

std::string masked_url(const std::string& url) {
  std::string masked = base::redact_url(url);
  const std::size_t slashes = masked.find("//");
  if (url.find('@') != std::string::npos && slashes != std::string::npos)
    masked.insert(slashes + 2, "***@");
  return masked;
}

std::string masked_toml(const PayloadStorePlace& place) {
  if (place.type == Type::kRedis) return masked_redis(place.redis);
  if (place.type == Type::kS3) return masked_s3(place);
  InlineTable table(place.type == Type::kFile ? "file" : "sqlite");
  table.add(place.type == Type::kFile ? "directory" : "database", toml_string(place.path));
  return std::move(table).finish();
}

RedisPayloadStoreOptions complete_options(const PayloadStorePlace& place,
                                          const RedisOptions& jobs) {
  RedisPayloadStoreOptions options = place.redis;
  if (options.url.empty()) {
    options.url = jobs.url;
    if (options.ca_file.empty()) options.ca_file = jobs.ca_file;
  }
  return options;
}

S3PayloadStoreOptions complete_options(const PayloadStorePlace& place, const SecretManager& named) {
  S3PayloadStoreOptions options = place.s3;
  const auto secret = [&](std::string_view key) {
    const auto found = place.secrets.find(key);
    return found == place.secrets.end() ? SecretFunction() : found->second.function_in(named);
  };
  options.access_key_id = secret("access_key_id");
  options.secret_access_key = secret("secret_access_key");
  options.session_token = secret("session_token");
  return options;
}

Result<std::shared_ptr<PayloadStore>> open_store(const PayloadStorePlace& place,
                                                 const RedisOptions& jobs,
                                                 const SecretManager& named) {
  switch (place.type) {
    case Type::kFile:
      return shared(FilePayloadStore::open(place.path));
    case Type::kSqlite:
      return shared(SqlitePayloadStore::open(place.path));
    case Type::kRedis:
      return shared(RedisPayloadStore::open(complete_options(place, jobs)));
    case Type::kS3:
      return shared(S3PayloadStore::open(complete_options(place, named)));
  }
  return failure("no such type");
}

bool operator==(const PayloadStorePlace& a, const PayloadStorePlace& b) {
  const auto all = [](const PayloadStorePlace& place) {
    return std::tie(place.name, place.type, place.path, place.redis.url, place.redis.prefix,
                    place.redis.lifetime, place.redis.second_copy_lifetime, place.redis.ca_file,
                    place.s3.bucket, place.s3.region, place.s3.endpoint, place.s3.uses_paths,
                    place.s3.prefix, place.s3.ca_file, place.s3.time_limit, place.s3.retries,
                    place.secrets);
  };
  return all(a) == all(b);
}

}  // namespace patient_http::daemon
