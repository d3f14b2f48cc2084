// Fetches the urls that it is given, all at once, with a Processor and a TaskHandler of its own:
//
//   example_fetch_urls http://localhost:8080/a http://localhost:8080/b
//
// Prints a line per url as the answers come in. Exit status 1 when one of them failed.

#include <atomic>
#include <cstdio>
#include <memory>
#include <vector>

#include "patient_http/processor.h"

namespace {

using patient_http::Error;
using patient_http::RequestTask;
using patient_http::Response;

// Called on the processor's delivery threads.
class Printer final : public patient_http::TaskHandler {
 public:
  void on_complete(std::unique_ptr<RequestTask> task, Response response) override {
    const std::size_t size = response.body() ? response.body()->size() : 0;
    std::printf("%s: %d, %zu bytes in %.3f s\n", task->request().url().c_str(), response.status(),
                size, response.duration().count());
  }
  void on_error(std::unique_ptr<RequestTask> task, Error error) override {
    failed_ = true;
    std::printf("%s: %s\n", task->request().url().c_str(), error.message().c_str());
  }
  void retry(std::unique_ptr<RequestTask> task) override {
    std::printf("%s: interrupted\n", task->request().url().c_str());
  }

  [[nodiscard]] bool failed() const { return failed_; }

 private:
  std::atomic<bool> failed_{false};
};

}  // namespace

int main(int argc, char** argv) {
  Printer printer;
  patient_http::Processor processor({.max_connections = 100});
  processor.start();
  for (int i = 1; i < argc; ++i) {
    auto request = patient_http::Request::create({.url = argv[i]});
    if (!request) {
      std::fprintf(stderr, "%s\n", request.error().message().c_str());
      return 2;
    }
    // With more urls than slots: wait for one to be free.
    while (!processor.wait_for_free_slots(1, std::chrono::minutes(1))) {
    }
    if (!processor.enqueue(std::make_unique<RequestTask>(std::move(*request), printer))) return 1;
  }
  processor.stop(std::chrono::minutes(2));
  return printer.failed() ? 1 : 0;
}
