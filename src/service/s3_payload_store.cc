#include "patient_http/s3_payload_store.h"

#include <algorithm>
#include <cctype>
#include <exception>
#include <utility>

#include "base/url.h"
#include "patient_http/signing.h"
#include "payload/payload_key.h"
#include "service/s3_client.h"

namespace patient_http {

using payload::check_payload_key;
using service::S3Answer;
using service::S3Client;

namespace {

constexpr int kNotFound = 404;
constexpr int kForbidden = 403;
constexpr int kRangeNotSatisfiable = 416;

bool is_success(const S3Answer& answer) {
  return answer.status >= 200 && answer.status < 300;
}

// By the code of S3 alone: who answers 404 may be somebody else.
bool is_missing(const S3Answer& answer) {
  return answer.status == kNotFound && answer.code == "NoSuchKey";
}

// What can be done about it.
std::string advice_for(const S3Answer& answer) {
  const std::string& code = answer.code;
  if (code == "NoSuchBucket") return ": there is no such bucket";
  if (code == "SignatureDoesNotMatch") return ": the secret access key is wrong";
  if (code == "InvalidAccessKeyId") return ": the access key id is wrong";
  if (code == "ExpiredToken" || code == "InvalidToken") return ": the session token has ended";
  if (code == "RequestTimeTooSkewed") return ": the clock of this machine is wrong";
  if (code == "PermanentRedirect" || code == "AuthorizationHeaderMalformed" ||
      (answer.status >= 300 && answer.status < 400)) {
    return ": region and endpoint must be those of the bucket";
  }
  if (answer.status == kForbidden) {
    return ": the credentials need s3:GetObject, s3:PutObject and s3:DeleteObject, and "
           "s3:ListBucket, without which S3 does not say what is missing";
  }
  if (answer.status == kNotFound) return ": is that S3?";
  return "";
}

bool is_bucket(std::string_view name) {
  constexpr std::size_t kLongest = 255;
  return !name.empty() && name.size() <= kLongest && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' ||
                  c == '_';
         });
}

bool is_endpoint(const std::string& text) {
  const auto url = base::Url::parse(text);
  return url && url->userinfo().empty() && url->target() == "/" &&
         text.find_first_of("?#") == std::string::npos;
}

}  // namespace

std::vector<std::string> S3PayloadStoreOptions::validate() const {
  std::vector<std::string> problems;
  if (!is_bucket(bucket)) problems.emplace_back("bucket must be the name of a bucket");
  if (!endpoint.empty() && !is_endpoint(endpoint)) {
    problems.emplace_back(
        "endpoint must be a url without path and credentials, such as https://minio.example:9000");
  }
  const AwsSigV4Options signing{.service = "s3",
                                .region = region,
                                .access_key_id = access_key_id,
                                .secret_access_key = secret_access_key};
  for (std::string& problem : signing.validate()) problems.push_back(std::move(problem));
  if (time_limit < std::chrono::milliseconds(100) || time_limit > std::chrono::hours(1))
    problems.emplace_back("time_limit must be at least 0.1 s and at most an hour");
  if (retries < 0) problems.emplace_back("retries must be 0 or more");
  return problems;
}

class S3PayloadStore::Impl {
 public:
  explicit Impl(const S3PayloadStoreOptions& options) : prefix_(options.prefix), client_(options) {}

  // Fails when there is no answer.
  [[nodiscard]] Result<S3Answer> call(HttpMethod method, const std::string& key,
                                      std::optional<std::string> body = std::nullopt,
                                      HttpHeaders headers = {}) {
    return client_.call(method, prefix_ + key, std::move(body), std::move(headers));
  }

  // Whether an object is there. Any answer but yes and no is a failure.
  [[nodiscard]] Result<bool> exists(const std::string& key) {
    // One byte of it: an object without any has no such range.
    const auto answer = call(HttpMethod::kGet, key, std::nullopt, {{"range", "bytes=0-0"}});
    if (!answer) return unexpected(answer.error());
    if (is_missing(*answer)) return false;
    if (is_success(*answer) || answer->status == kRangeNotSatisfiable) return true;
    return refused(*answer);
  }

  [[nodiscard]] tl::unexpected<Failure> refused(const S3Answer& answer) const {
    const std::string code = answer.code.empty() ? "" : " (" + answer.code + ")";
    return failure(client_.bucket_text() + " answered " + std::to_string(answer.status) + code +
                   advice_for(answer));
  }

  void interrupt() { client_.interrupt(); }
  void resume() { client_.resume(); }

 private:
  const std::string prefix_;
  S3Client client_;
};

S3PayloadStore::S3PayloadStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
S3PayloadStore::~S3PayloadStore() = default;

Result<std::unique_ptr<S3PayloadStore>> S3PayloadStore::open(const S3PayloadStoreOptions& options) {
  if (auto problems = options.validate(); !problems.empty())
    return failure(std::move(problems.front()));
  std::unique_ptr<Impl> impl;
  try {
    impl = std::make_unique<Impl>(options);
  } catch (const std::exception& error) {
    return failure(error.what());
  }
  // A key that nobody has.
  if (auto found = impl->exists("00000000-0000-0000-0000-000000000000"); !found)
    return unexpected(std::move(found.error()));
  return std::unique_ptr<S3PayloadStore>(new S3PayloadStore(std::move(impl)));
}

Result<void> S3PayloadStore::store(const std::string& key, std::string_view data) {
  if (auto checked = check_payload_key(key); !checked) return checked;
  constexpr std::size_t kLargest = std::size_t{512} << 20;
  if (data.size() > kLargest) {
    return failure("it has " + std::to_string(data.size()) +
                   " bytes, and could not be fetched again: at most 512 MiB can");
  }
  const auto answer =
      impl_->call(HttpMethod::kPut, key, std::string(data), {{"content-type", "application/json"}});
  if (!answer) return unexpected(answer.error());
  if (!is_success(*answer)) return impl_->refused(*answer);
  return {};
}

Result<std::optional<std::string>> S3PayloadStore::fetch(const std::string& key) {
  if (auto checked = check_payload_key(key); !checked) return unexpected(checked.error());
  auto answer = impl_->call(HttpMethod::kGet, key);
  if (!answer) return unexpected(std::move(answer.error()));
  if (is_missing(*answer)) return std::optional<std::string>();
  if (!is_success(*answer)) return impl_->refused(*answer);
  return std::optional<std::string>(std::move(answer->body));
}

Result<void> S3PayloadStore::remove(const std::string& key) {
  if (auto checked = check_payload_key(key); !checked) return checked;
  const auto answer = impl_->call(HttpMethod::kDelete, key);
  if (!answer) return unexpected(answer.error());
  if (!is_success(*answer) && !is_missing(*answer)) return impl_->refused(*answer);
  return {};
}

Result<bool> S3PayloadStore::exists(const std::string& key) {
  if (auto checked = check_payload_key(key); !checked) return unexpected(checked.error());
  return impl_->exists(key);
}

void S3PayloadStore::interrupt() {
  impl_->interrupt();
}

void S3PayloadStore::resume() {
  impl_->resume();
}

}  // namespace patient_http
