#pragma once

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "patient_http/processor.h"
#include "patient_http/request.h"
#include "patient_http/result.h"
#include "patient_http/s3_payload_store.h"
#include "patient_http/task_handler.h"

namespace patient_http::service {

// What S3 answered: a status, and for an error the code in its body, "NoSuchKey".
struct S3Answer {
  int status = 0;
  std::string code = {};
  std::string body = {};  // of a success
};

// Sends signed requests for the objects of one bucket, and waits for their answers.
//
// Thread safety: all methods may be called from any thread; call() blocks.
class S3Client {
 public:
  // Starts the threads. Throws std::runtime_error when the certificates cannot be read.
  // REQUIRES: `options` are valid.
  explicit S3Client(const S3PayloadStoreOptions& options);
  ~S3Client();
  S3Client(const S3Client&) = delete;
  S3Client& operator=(const S3Client&) = delete;

  // `name` is the object's, prefix and all. Fails when there is no answer in time.
  [[nodiscard]] Result<S3Answer> call(HttpMethod method, std::string_view name,
                                      std::optional<std::string> body = std::nullopt,
                                      HttpHeaders headers = {});
  // Calls under way, and later ones until resume(), fail at once.
  void interrupt();
  void resume();

  // "the bucket b of https://s3.eu-central-1.amazonaws.com", for messages.
  [[nodiscard]] std::string bucket_text() const;

 private:
  // Gives outcomes to those who wait.
  class Handler final : public TaskHandler {
   public:
    void on_complete(std::unique_ptr<RequestTask> task, Response response) override;
    void on_error(std::unique_ptr<RequestTask> task, Error error) override;
    void retry(std::unique_ptr<RequestTask> task) override;
  };

  [[nodiscard]] Result<void> enqueue(std::unique_ptr<RequestTask> task);

  const std::string bucket_;
  const std::string origin_;  // for messages
  const std::string folder_;  // the url of the bucket, with a slash at its end
  const std::chrono::milliseconds time_limit_;
  std::atomic<bool> is_interrupted_{false};
  Handler handler_;  // outlives the processor
  Processor processor_;
};

}  // namespace patient_http::service
