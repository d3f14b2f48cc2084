#include "jobs/job_task_handler.h"

#include <algorithm>
#include <functional>

#include "jobs/callback_job.h"

namespace patient_http::jobs {

namespace {

RequestStatistics statistics_of(const std::variant<Response, Error>& outcome) {
  RequestStatistics statistics;
  const auto* error = std::get_if<Error>(&outcome);
  const Response* response = std::get_if<Response>(&outcome);
  if (error != nullptr) {
    statistics.error_type = std::string(error->error_type());
    statistics.duration = error->duration().value_or(Seconds{0});
    if (const HttpError* http = error->if_http_error()) response = &http->response();
  }
  if (response != nullptr) {
    statistics.http_status = response->status();
    statistics.duration = response->duration();
  }
  return statistics;
}

Completion completion_of(std::string claim_id, const std::variant<Response, Error>& outcome,
                         const std::string& request_id, const std::string& callback,
                         const std::string& carried) {
  return {std::move(claim_id), callback_jid(request_id),
          make_callback_job(outcome, request_id, callback, carried), statistics_of(outcome)};
}

}  // namespace

void JobTaskHandler::settle(std::vector<SettledTask> batch) {
  std::vector<Completion> completions;
  std::vector<std::string> interrupted;
  for (SettledTask& settled : batch) {
    const auto& task = static_cast<const JobTask&>(*settled.task);
    auto claim_id = in_flight_.remove(task.id());
    if (!claim_id) continue;
    if (std::holds_alternative<Interrupted>(settled.outcome)) {
      interrupted.push_back(std::move(*claim_id));
      continue;
    }
    auto* response = std::get_if<Response>(&settled.outcome);
    const std::variant<Response, Error> outcome =
        response != nullptr
            ? std::variant<Response, Error>(std::move(*response))
            : std::variant<Response, Error>(std::get<Error>(std::move(settled.outcome)));
    completions.push_back(
        completion_of(std::move(*claim_id), outcome, task.id(), task.callback(), task.carried()));
  }
  batch.clear();
  complete(std::move(completions));
  release(std::move(interrupted));
}

void JobTaskHandler::on_complete(std::unique_ptr<RequestTask> task, Response response) {
  std::vector<SettledTask> batch;
  batch.push_back({std::move(task), std::move(response)});
  settle(std::move(batch));
}

void JobTaskHandler::on_error(std::unique_ptr<RequestTask> task, Error error) {
  std::vector<SettledTask> batch;
  batch.push_back({std::move(task), std::move(error)});
  settle(std::move(batch));
}

void JobTaskHandler::retry(std::unique_ptr<RequestTask> task) {
  std::vector<SettledTask> batch;
  batch.push_back({std::move(task), Interrupted{}});
  settle(std::move(batch));
}

void JobTaskHandler::complete_now(const std::string& claim_id, const UnrunnableJob& job) {
  const std::variant<Response, Error> outcome =
      Error(RequestError({.kind = ErrorKind::kInvalidRequest,
                          .message = "the request is invalid: " + job.reason,
                          .request_id = job.request_id,
                          .url = job.url,
                          .callback_args = job.callback_args}));
  complete({completion_of(claim_id, outcome, job.request_id, job.callback, job.carried)});
}

void JobTaskHandler::complete(std::vector<Completion> completions) {
  if (completions.empty()) return;
  const std::string what = "complete " + std::to_string(completions.size()) + " requests";
  const auto settled =
      patience_.repeat<std::vector<Settled>>(what, [&] { return store_.complete(completions); });
  if (!settled) {
    undelivered_ += completions.size();
    log_.error(what + ": " + settled.error().message +
               "; their claims stay, and whoever rescues them sends the requests again");
    return;
  }
  const auto gone = std::count(settled->begin(), settled->end(), Settled::kClaimGone);
  if (gone > 0) {
    log_.warn(
        std::to_string(gone) +
        " results were dropped: their claims were rescued meanwhile, and another run delivers");
  }
}

void JobTaskHandler::release(std::vector<std::string> claim_ids) {
  if (claim_ids.empty()) return;
  const std::string what = "put back " + std::to_string(claim_ids.size()) + " requests";
  const auto settled =
      patience_.repeat<std::vector<Settled>>(what, [&] { return store_.release(claim_ids); });
  if (!settled) log_.error(what + ": " + settled.error().message + "; they are left to rescue");
}

}  // namespace patient_http::jobs
