#include "service/s3_client.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "patient_http/signing.h"

namespace patient_http::service {

namespace {

constexpr const char* kSign = "sign";

// A task whose outcome somebody waits for.
class S3Task final : public RequestTask {
 public:
  using RequestTask::RequestTask;

  std::promise<Result<S3Answer>> answer;
};

ProcessorOptions processor_options(const S3PayloadStoreOptions& options) {
  constexpr std::size_t kMostAtOnce = 256;
  constexpr std::size_t kLargestPayload = std::size_t{512} << 20;
  ProcessorOptions processor;
  processor.max_connections = kMostAtOnce;
  processor.request_timeout = options.time_limit;
  processor.max_retry_time = options.time_limit;
  processor.retries = options.retries;
  processor.retry_on = {.connection = true, .timeout = true, .statuses = {429, 500, 502, 503, 504}};
  processor.retry_delay = Seconds(0.2);
  processor.longest_retry_delay = Seconds(2);
  processor.max_retry_after = options.time_limit;
  processor.max_redirects = 0;  // a signature is good for one host
  processor.max_response_size = kLargestPayload;
  processor.ca_file = options.ca_file;
  processor.delivery_threads = 1;
  processor.log = Log();  // whoever called is told
  processor.preprocessors.register_preprocessor(
      kSign, aws_sigv4({.service = "s3",
                        .region = options.region,
                        .access_key_id = options.access_key_id,
                        .secret_access_key = options.secret_access_key,
                        .session_token = options.session_token}));
  return processor;
}

bool uses_paths(const S3PayloadStoreOptions& options) {
  return options.uses_paths.value_or(!options.endpoint.empty() ||
                                     options.bucket.find('.') != std::string::npos);
}

// Scheme and host, without a slash at the end.
std::string origin_of(const S3PayloadStoreOptions& options) {
  if (options.endpoint.empty()) return "https://s3." + options.region + ".amazonaws.com";
  return options.endpoint.ends_with('/') ? options.endpoint.substr(0, options.endpoint.size() - 1)
                                         : options.endpoint;
}

std::string folder_of(const S3PayloadStoreOptions& options) {
  std::string origin = origin_of(options);
  if (uses_paths(options)) return origin + "/" + options.bucket + "/";
  constexpr std::string_view kAfterScheme = "://";
  return origin.insert(origin.find(kAfterScheme) + kAfterScheme.size(), options.bucket + ".") + "/";
}

std::string encoded(std::string_view name) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x80 && std::isalnum(byte) != 0) ||
        std::string_view("-._~/").find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return out;
}

// Of a body such as "<Error><Code>NoSuchKey</Code>…"; empty when it has none.
std::string code_of(std::string_view body) {
  constexpr std::string_view kBegin = "<Code>";
  constexpr std::size_t kLongest = 64;
  const std::size_t begin = body.find(kBegin);
  if (begin == std::string_view::npos) return {};
  const std::string_view rest = body.substr(begin + kBegin.size(), kLongest);
  const std::string_view code = rest.substr(0, rest.find('<'));
  const bool is_word = std::all_of(code.begin(), code.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.';
  });
  return is_word ? std::string(code) : std::string();
}

}  // namespace

void S3Client::Handler::on_complete(std::unique_ptr<RequestTask> task, Response response) {
  S3Answer answer{.status = response.status()};
  if (response.is_success()) {
    answer.body = response.body().value_or("");
  } else {
    answer.code = code_of(response.body().value_or(""));
  }
  static_cast<S3Task&>(*task).answer.set_value(std::move(answer));
}

void S3Client::Handler::on_error(std::unique_ptr<RequestTask> task, Error error) {
  static_cast<S3Task&>(*task).answer.set_value(failure(error.message()));
}

void S3Client::Handler::retry(std::unique_ptr<RequestTask> task) {
  static_cast<S3Task&>(*task).answer.set_value(failure("the wait for S3 was interrupted"));
}

S3Client::S3Client(const S3PayloadStoreOptions& options)
    : bucket_(options.bucket),
      origin_(origin_of(options)),
      folder_(folder_of(options)),
      time_limit_(options.time_limit),
      processor_(processor_options(options)) {
  processor_.start();
}

S3Client::~S3Client() = default;

Result<void> S3Client::enqueue(std::unique_ptr<RequestTask> task) {
  const auto end = std::chrono::steady_clock::now() + time_limit_;
  for (;;) {
    auto enqueued = processor_.enqueue(std::move(task));
    if (enqueued) return {};
    task = std::move(enqueued.error().task);
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (enqueued.error().reason == RefusedTask::Reason::kNotRunning || left.count() <= 0 ||
        !processor_.wait_for_free_slots(1, left)) {
      return failure("too many requests to S3 are under way");
    }
  }
}

Result<S3Answer> S3Client::call(HttpMethod method, std::string_view name,
                                std::optional<std::string> body, HttpHeaders headers) {
  // What comes back are the bytes that were stored.
  headers.set("accept-encoding", "identity");
  auto request = Request::create({.method = method,
                                  .url = folder_ + encoded(name),
                                  .headers = std::move(headers),
                                  .body = std::move(body),
                                  .preprocessors = {kSign}});
  if (!request) return failure(request.error().message());
  auto task = std::make_unique<S3Task>(std::move(*request), handler_);
  auto answer = task->answer.get_future();
  if (auto enqueued = enqueue(std::move(task)); !enqueued) return unexpected(enqueued.error());
  return answer.get();
}

void S3Client::interrupt() {
  is_interrupted_ = true;
  processor_.interrupt();
}

void S3Client::resume() {
  if (!is_interrupted_.exchange(false)) return;
  processor_.stop(std::chrono::milliseconds(0));
  processor_.start();
}

std::string S3Client::bucket_text() const {
  return "the bucket " + bucket_ + " of " + origin_;
}

}  // namespace patient_http::service
