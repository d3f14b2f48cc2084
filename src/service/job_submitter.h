#pragma once

#include <string>
#include <utility>
#include <vector>

#include "jobs/job_sealer.h"
#include "jobs/job_store.h"
#include "jobs/request_job.h"
#include "patient_http/callback.h"
#include "patient_http/request_handler.h"

namespace patient_http::service {

// What is wrong with a submission's own fields, beside its request; nothing when all is well.
// `takes_any_callback`: names that are not registered here are somebody else's.
[[nodiscard]] Result<void, SubmitFailure> check_submission(const Submission& submission,
                                                           const CallbackOptions& callbacks,
                                                           bool takes_any_callback);

// Gives it a request id unless it has one.
void complete_submission(Submission& submission);

// What the store asks of new jobs.
struct SubmitterOptions {
  std::string queue = "patient_http_requests";
  // Whether Ruby may run the requests and their callbacks: then callback_args stay in clear.
  bool is_for_ruby = false;
};

// Makes jobs of submissions and puts them into the store.
//
// Thread safety: submit() may be called from any thread. It blocks on the stores.
class JobSubmitter {
 public:
  // All must outlive this object.
  JobSubmitter(jobs::JobStore& store, const jobs::JobSealer& sealer,
               const CallbackOptions& callbacks, SubmitterOptions options)
      : store_(store), sealer_(sealer), callbacks_(callbacks), options_(std::move(options)) {}

  // As RequestHandler::submit().
  [[nodiscard]] Result<std::vector<std::string>, SubmitFailure> submit(
      std::vector<Submission> submissions) const;

 private:
  // All of a job but its request.
  [[nodiscard]] Result<jobs::NewRequestJob, SubmitFailure> make_job(
      const Submission& submission) const;

  jobs::JobStore& store_;
  const jobs::JobSealer& sealer_;
  const CallbackOptions& callbacks_;
  const SubmitterOptions options_;
};

}  // namespace patient_http::service
