#include "patient_http/inline_service.h"

#include <stdexcept>
#include <utility>
#include <variant>

#include "jobs/callback_runner.h"
#include "patient_http/inline_executor.h"
#include "patient_http/task_handler.h"
#include "service/configuration_check.h"
#include "service/job_submitter.h"

namespace patient_http {

class InlineService::Impl final : private TaskHandler {
 public:
  explicit Impl(Configuration configuration)
      : configuration_(std::move(configuration)),
        runner_(configuration_.callbacks, configuration_.log),
        executor_(configuration_.processor) {}

  Result<std::vector<std::string>, SubmitFailure> submit(std::vector<Submission> submissions) {
    for (const Submission& submission : submissions) {
      auto checked = service::check_submission(submission, configuration_.callbacks, false);
      if (!checked) return unexpected(std::move(checked.error()));
    }
    std::vector<std::string> ids;
    for (Submission& submission : submissions) {
      service::complete_submission(submission);
      ids.push_back(submission.request_id);
      RequestTaskOptions options{.id = std::move(submission.request_id),
                                 .callback = std::move(submission.callback),
                                 .callback_args = std::move(submission.callback_args),
                                 .raise_error_responses = submission.raise_error_responses};
      TaskHandler& handler = *this;
      executor_.execute(std::make_unique<RequestTask>(std::move(submission.request), handler,
                                                      std::move(options)));
    }
    return ids;
  }

 private:
  void on_complete(std::unique_ptr<RequestTask> task, Response response) override {
    runner_.run(task->callback(), std::move(response));
  }
  void on_error(std::unique_ptr<RequestTask> task, Error error) override {
    runner_.run(task->callback(), std::move(error));
  }
  void retry(std::unique_ptr<RequestTask>) override {}

  const Configuration configuration_;
  const jobs::CallbackRunner runner_;
  InlineExecutor executor_;
};

namespace {

Configuration checked(Configuration configuration) {
  configuration.processor.log = configuration.log;
  // There are no threads and no other process: every callback must be registered here.
  configuration.callbacks.threads = 1;
  // There is no store to be named.
  if (configuration.database.empty()) configuration.database = "inline";
  service::require_valid(configuration);
  return configuration;
}

}  // namespace

InlineService::InlineService(Configuration configuration)
    : impl_(std::make_unique<Impl>(checked(std::move(configuration)))) {}

InlineService::~InlineService() {
  stop();
}

void InlineService::start() {
  register_handler(*this);
}

void InlineService::stop() {
  unregister_handler(*this);
}

Result<std::vector<std::string>, SubmitFailure> InlineService::submit(
    std::vector<Submission> submissions) {
  return impl_->submit(std::move(submissions));
}

}  // namespace patient_http
