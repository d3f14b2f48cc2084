#include "service/job_submitter.h"

#include <algorithm>
#include <utility>

#include "base/json_text.h"
#include "base/text.h"
#include "base/uuid.h"
#include "drivers/crypto/sha256.h"

namespace patient_http::service {

namespace {

using Kind = SubmitFailure::Kind;

constexpr std::size_t kLongestId = 200;
constexpr std::size_t kJidLength = 24;

tl::unexpected<SubmitFailure> refuse(Kind kind, std::string message) {
  return unexpected(SubmitFailure{kind, std::move(message)});
}

// The same for each submission under one id, so that the store knows the second.
std::string request_jid(const std::string& request_id) {
  return crypto::sha256_hex(request_id + ":request").substr(0, kJidLength);
}

bool is_visible_ascii(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

Result<void, SubmitFailure> check_submission(const Submission& submission,
                                             const CallbackOptions& callbacks,
                                             bool takes_any_callback) {
  if (submission.callback.empty()) {
    return refuse(Kind::kInvalid, "callback must name a registered callback, got an empty name");
  }
  if (!base::is_valid_utf8(submission.callback)) {
    return refuse(Kind::kInvalid, "callback must be valid UTF-8");
  }
  if (callbacks.threads > 0 && !takes_any_callback &&
      !callbacks.registered.contains(submission.callback)) {
    std::string known;
    for (const auto& [name, make] : callbacks.registered) {
      known += known.empty() ? name : ", " + name;
    }
    return refuse(Kind::kUnknownCallback,
                  "no callback is registered as " + base::json_string(submission.callback) +
                      "; registered are: " + (known.empty() ? "none" : known));
  }
  if (submission.request_id.size() > kLongestId || !is_visible_ascii(submission.request_id)) {
    return refuse(Kind::kInvalid, "request_id must be up to " + std::to_string(kLongestId) +
                                      " visible ASCII characters");
  }
  return {};
}

void complete_submission(Submission& submission) {
  if (submission.request_id.empty()) submission.request_id = base::random_uuid();
}

Result<jobs::NewRequestJob, SubmitFailure> JobSubmitter::make_job(
    const Submission& submission) const {
  jobs::NewRequestJob job{.jid = request_jid(submission.request_id),
                          .request_id = submission.request_id,
                          .queue = options_.queue,
                          .callback = submission.callback,
                          .raise_error_responses = submission.raise_error_responses};
  if (submission.callback_args.empty()) return job;
  if (options_.is_for_ruby) {
    job.callback_args = submission.callback_args.to_json();
    return job;
  }
  const auto args = sealer_.encrypt(submission.callback_args.to_json().dump());
  if (!args) return refuse(Kind::kUnavailable, "nothing was accepted: " + args.error().message);
  job.callback_args = *Json::parse(*args);
  job.are_args_encrypted = sealer_.encrypts();
  return job;
}

Result<std::vector<std::string>, SubmitFailure> JobSubmitter::submit(
    std::vector<Submission> submissions) const {
  std::vector<jobs::UnsealedData> batch;
  std::vector<jobs::NewRequestJob> unsealed;
  for (Submission& submission : submissions) {
    if (auto checked = check_submission(submission, callbacks_, options_.is_for_ruby); !checked) {
      return unexpected(std::move(checked.error()));
    }
    complete_submission(submission);
    auto job = make_job(submission);
    if (!job) return unexpected(std::move(job.error()));
    unsealed.push_back(std::move(*job));
    batch.push_back({submission.request.to_json().dump(), std::nullopt});
  }
  // Last, since it stores what is large: all that may refuse comes before.
  auto sealed = sealer_.seal(batch);
  if (!sealed) return refuse(Kind::kUnavailable, "nothing was accepted: " + sealed.error().message);

  std::vector<jobs::NewJob> new_jobs;
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < submissions.size(); ++i) {
    new_jobs.push_back({.jid = unsealed[i].jid,
                        .bytes = jobs::make_request_job((*sealed)[i].json, unsealed[i]),
                        .run_at = submissions[i].run_at,
                        .payload = std::move((*sealed)[i].payload)});
    ids.push_back(std::move(submissions[i].request_id));
  }
  if (const auto pushed = store_.push(new_jobs, {}); !pushed) {
    return refuse(Kind::kUnavailable, "the store did not take the requests, or did not say so: " +
                                          pushed.error().message);
  }
  return ids;
}

}  // namespace patient_http::service
