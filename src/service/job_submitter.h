#pragma once

#include <string>
#include <vector>

#include "jobs/job_sealer.h"
#include "jobs/job_store.h"
#include "jobs/request_job.h"
#include "patient_http/callback.h"
#include "patient_http/request_handler.h"

namespace patient_http::service {

// What is wrong with a submission's own fields, beside its request; nothing when all is well.
[[nodiscard]] Result<void, SubmitFailure> check_submission(const Submission& submission,
                                                           const CallbackOptions& callbacks);

// Gives it a request id unless it has one.
void complete_submission(Submission& submission);

// Makes jobs of submissions and puts them into the store.
//
// Thread safety: submit() may be called from any thread. It blocks on the stores.
class JobSubmitter {
 public:
  // All must outlive this object.
  JobSubmitter(jobs::JobStore& store, const jobs::JobSealer& sealer,
               const CallbackOptions& callbacks)
      : store_(store), sealer_(sealer), callbacks_(callbacks) {}

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
};

}  // namespace patient_http::service
