#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/secret_source.h"
#include "patient_http/payload_store.h"
#include "patient_http/redis_options.h"
#include "patient_http/redis_payload_store.h"
#include "patient_http/result.h"
#include "patient_http/s3_payload_store.h"
#include "patient_http/secret_manager.h"

namespace patient_http::daemon {

// A payload store of [payload_stores].
struct PayloadStorePlace {
  enum class Type { kFile, kSqlite, kRedis, kS3 };

  std::string name;
  Type type = Type::kFile;
  std::string path = {};  // a directory, or a database
  // For kRedis; an empty url is that of the jobs, with its certificates.
  RedisPayloadStoreOptions redis = {.url = {}};
  // For kS3, without its functions.
  S3PayloadStoreOptions s3 = {};
  // Where its secrets are, by their keys: "secret_access_key".
  std::map<std::string, SecretSource, std::less<>> secrets = {};
};

// Without passwords: `{ type = "file", directory = "PATH" }`.
[[nodiscard]] std::string masked_toml(const PayloadStorePlace& place);
// "redis://***@host:6379/0": whoever is before the '@' goes.
[[nodiscard]] std::string masked_url(const std::string& url);

// For a store in Redis, with the url and the certificates that it takes from the jobs' store.
[[nodiscard]] RedisPayloadStoreOptions complete_options(const PayloadStorePlace& place,
                                                        const RedisOptions& jobs);
// For a store in S3; references are looked up in `named` when a request is signed.
[[nodiscard]] S3PayloadStoreOptions complete_options(const PayloadStorePlace& place,
                                                     const SecretManager& named);

[[nodiscard]] Result<std::shared_ptr<PayloadStore>> open_store(const PayloadStorePlace& place,
                                                               const RedisOptions& jobs,
                                                               const SecretManager& named);

[[nodiscard]] bool operator==(const PayloadStorePlace& a, const PayloadStorePlace& b);

}  // namespace patient_http::daemon
