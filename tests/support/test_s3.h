#pragma once

#include <memory>
#include <string>
#include <vector>

#include "support/program.h"
#include "support/temporary_folder.h"

namespace patient_http::test {

// A stand-in for S3 on 127.0.0.1, tests/s3, with a folder of its own. It verifies signatures. It
// ends with this object, or with the process that started it.
class TestS3 {
 public:
  static constexpr const char* kAccessKeyId = "S3RVER";
  static constexpr const char* kSecretAccessKey = "S3RVER";

  // With these buckets. Throws std::runtime_error when it does not start.
  explicit TestS3(const std::vector<std::string>& buckets);

  [[nodiscard]] std::string url() const { return url_; }
  // The content of an object, and what is kept beside it, as JSON; empty when there is none.
  [[nodiscard]] std::string object(const std::string& bucket, const std::string& name) const;
  [[nodiscard]] std::string metadata(const std::string& bucket, const std::string& name) const;

 private:
  TemporaryFolder folder_;
  std::unique_ptr<Program> program_;
  std::string url_;
};

}  // namespace patient_http::test
