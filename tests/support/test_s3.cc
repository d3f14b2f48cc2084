#include "support/test_s3.h"

#include <stdexcept>

#include "support/checkout.h"

namespace patient_http::test {

TestS3::TestS3(const std::vector<std::string>& buckets) {
  std::vector<std::string> arguments = {"node", PATIENT_HTTP_SOURCE_DIR "/tests/s3/server.js",
                                        folder_.path().string()};
  arguments.insert(arguments.end(), buckets.begin(), buckets.end());
  program_ = std::make_unique<Program>("/usr/bin/env", arguments,
                                       Program::Options{.pipes_input = true, .pipes_output = true});
  const std::string port = program_->read_line();
  if (port.empty()) {
    static_cast<void>(program_->wait());
    throw std::runtime_error("the stand-in for S3 does not start, scripts/setup installs it: " +
                             program_->errors());
  }
  url_ = "http://127.0.0.1:" + port;
}

std::string TestS3::object(const std::string& bucket, const std::string& name) const {
  return read_file(folder_.file(bucket + "/" + name + "._S3rver_object"));
}

std::string TestS3::metadata(const std::string& bucket, const std::string& name) const {
  return read_file(folder_.file(bucket + "/" + name + "._S3rver_metadata.json"));
}

}  // namespace patient_http::test
