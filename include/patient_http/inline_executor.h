#pragma once

#include <memory>

#include "patient_http/error.h"
#include "patient_http/processor_options.h"
#include "patient_http/request_task.h"
#include "patient_http/response.h"
#include "patient_http/result.h"

namespace patient_http {

// Carries out one request after the other on the calling thread, as a Processor would: the same
// redirects, retries, limits and errors. For tests, consoles and scripts. Only preprocessors and
// the functions of secrets run on threads of its own, for they may take longer than a request may.
//
// Thread safety: one thread at a time. A TaskHandler that it calls may use it again.
class InlineExecutor final {
 public:
  // Throws as Processor does.
  explicit InlineExecutor(const ProcessorOptions& options = {});
  ~InlineExecutor();

  InlineExecutor(const InlineExecutor&) = delete;
  InlineExecutor& operator=(const InlineExecutor&) = delete;

  // Runs the task and calls its handler's on_complete() or on_error() before it returns. What
  // those throw is not caught.
  void execute(std::unique_ptr<RequestTask> task);

  // The same without a handler. With ProcessorOptions::raise_error_responses, a response that is
  // not 2xx is an error.
  [[nodiscard]] Result<Response, Error> send(const Request& request);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace patient_http
