#include "jobs/job_task_handler.h"

#include <algorithm>
#include <functional>
#include <iterator>

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

std::optional<ErrorKind> error_kind_of(const std::variant<Response, Error>& outcome) {
  const auto* error = std::get_if<Error>(&outcome);
  return error != nullptr ? std::optional(error->kind()) : std::nullopt;
}

bool is_cancelled(const SettledTask& settled) {
  const auto* error = std::get_if<Error>(&settled.outcome);
  return error != nullptr && error->kind() == ErrorKind::kCancelled;
}

}  // namespace

void JobTaskHandler::settle(std::vector<SettledTask> batch) {
  const std::size_t count = batch.size();
  std::vector<std::string> ended;
  ended.reserve(count);
  try {
    settle_batch(batch, ended);
  } catch (...) {
    // Out of memory, or a bug: the claims stay, and so does the promise that they are rescued.
    undelivered_ += count;
    for (const SettledTask& settled : batch) {  // those that were not reached
      if (auto other = in_flight_.end(settled.task->id()))
        ended.push_back(std::move(other->claim_id));
    }
    for (const std::string& claim_id : ended) in_flight_.abandon(claim_id);
    throw;
  }
}

void JobTaskHandler::settle_batch(std::vector<SettledTask>& batch,
                                  std::vector<std::string>& claim_ids) {
  std::vector<Handover> handovers;
  std::vector<std::string> lost;
  std::vector<FailedClaim> waiting;
  for (SettledTask& settled : batch) {
    const auto& task = static_cast<const JobTask&>(*settled.task);
    auto ended = in_flight_.end(task.id());
    if (!ended) continue;
    claim_ids.push_back(ended->claim_id);
    if (std::holds_alternative<Interrupted>(settled.outcome)) {
      base::MutexLock lock(mutex_);
      interrupted_.push_back(std::move(ended->claim_id));
      continue;
    }
    if (const auto* postponed = std::get_if<Postponed>(&settled.outcome)) {
      waiting.push_back({std::move(ended->claim_id),
                         with_attempts(task.bytes(), postponed->attempts), postponed->next_at,
                         "waits for its next attempt", true});
      continue;
    }
    // Cancelled because its claim was lost. If there is one after all, the job is not over.
    if (ended->is_lost && is_cancelled(settled)) {
      lost.push_back(std::move(ended->claim_id));
      continue;
    }
    auto* response = std::get_if<Response>(&settled.outcome);
    const std::variant<Response, Error> outcome =
        response != nullptr
            ? std::variant<Response, Error>(std::move(*response))
            : std::variant<Response, Error>(std::get<Error>(std::move(settled.outcome)));
    handovers.push_back(hand_over(std::move(ended->claim_id), task, outcome));
  }
  batch.clear();
  complete(std::move(handovers));
  release(std::move(lost));
  postpone(std::move(waiting));
}

bool JobTaskHandler::can_postpone(const RequestTask& task) const {
  return !static_cast<const JobTask&>(task).bytes().empty();
}

// A step of a store costs nearly as much for one result as for many.
std::chrono::milliseconds JobTaskHandler::gathering_time() const {
  return std::chrono::milliseconds(5);
}

void JobTaskHandler::release_interrupted() {
  std::vector<std::string> claim_ids;
  {
    base::MutexLock lock(mutex_);
    claim_ids.swap(interrupted_);
  }
  release(std::move(claim_ids));
}

JobTaskHandler::Handover JobTaskHandler::hand_over(std::string claim_id, const JobTask& task,
                                                   const std::variant<Response, Error>& outcome) {
  return {
      std::move(claim_id),    {task.id(), task.callback(), task.carried(), error_kind_of(outcome)},
      task.request().url(),   task.request().method(),
      task.callback_args(),   task.format(),
      statistics_of(outcome), outcome_json(outcome)};
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
  complete_one({claim_id,
                {job.request_id, job.callback, job.carried, error_kind_of(outcome)},
                job.url,
                HttpMethod::kGet,
                job.callback_args,
                job.format,
                statistics_of(outcome),
                outcome_json(outcome)});
}

void JobTaskHandler::refuse(const std::string& claim_id, const RequestJob& job, ErrorKind kind,
                            std::string message) {
  const std::variant<Response, Error> outcome =
      Error(RequestError({.kind = kind,
                          .message = std::move(message),
                          .request_id = job.request_id,
                          .url = job.request.url(),
                          .method = job.request.method(),
                          .callback_args = job.callback_args}));
  complete_one({claim_id,
                {job.request_id, job.callback, job.carried, error_kind_of(outcome)},
                job.request.url(),
                job.request.method(),
                job.callback_args,
                job.format,
                statistics_of(outcome),
                outcome_json(outcome)});
}

void JobTaskHandler::complete_one(Handover handover) {
  in_flight_.begin_settling(handover.claim_id);
  std::vector<Handover> handovers;
  handovers.push_back(std::move(handover));
  complete(std::move(handovers));
}

StoreResult<std::vector<Completion>> JobTaskHandler::make_completions(
    std::vector<Handover>& handovers) {
  std::vector<UnsealedData> batch;
  batch.reserve(handovers.size());
  for (Handover& handover : handovers) {
    batch.push_back({std::move(handover.data), handover.format});
  }
  auto sealed = patience_.repeat<std::vector<SealedData>>(
      "seal " + std::to_string(batch.size()) + " results", [&] { return sealer_.seal(batch); });
  if (!sealed) {
    keep_unsealed(handovers, batch);
    return unexpected(std::move(sealed.error()));
  }
  return assemble(handovers, *sealed);
}

std::vector<Completion> JobTaskHandler::assemble(std::vector<Handover>& handovers,
                                                 std::vector<SealedData>& sealed) const {
  std::vector<Completion> completions;
  completions.reserve(handovers.size());
  for (std::size_t i = 0; i < handovers.size(); ++i) {
    Handover& handover = handovers[i];
    const std::string& callback = handover.callback.callback;
    handover.callback.jid = callback_jid(handover.callback.request_id);
    const CallbackJobOptions& options = routing_.of(callback);
    completions.push_back({handover.claim_id, handover.callback.jid,
                           make_callback_job(sealed[i].json, handover.callback, options),
                           handover.statistics, std::move(sealed[i].payload)});
    if (routing_.is_sidekiqs(callback)) completions.back().sidekiq_queue = options.queue;
    sealed[i].json = {};  // bodies are large
  }
  return completions;
}

void JobTaskHandler::keep(std::vector<Completion> completions) {
  if (!spool_.is_enabled()) return;
  base::MutexLock lock(mutex_);
  unstored_.insert(unstored_.end(), std::make_move_iterator(completions.begin()),
                   std::make_move_iterator(completions.end()));
}

void JobTaskHandler::keep_unsealed(std::vector<Handover>& handovers,
                                   std::vector<UnsealedData>& batch) {
  if (!spool_.is_enabled()) return;
  std::vector<SealedData> sealed;
  sealed.reserve(batch.size());
  for (UnsealedData& data : batch) {
    auto one = sealer_.seal_in_job(std::move(data));
    if (!one) {  // never in clear text
      log_.error(
          std::to_string(batch.size()) +
          " results cannot be spooled, their requests are sent again: " + one.error().message);
      return;
    }
    sealed.push_back(std::move(*one));
  }
  keep(assemble(handovers, sealed));
}

void JobTaskHandler::spool_unstored() {
  std::vector<Completion> unstored;
  {
    base::MutexLock lock(mutex_);
    unstored.swap(unstored_);
  }
  if (unstored.empty()) return;
  const std::string count = std::to_string(unstored.size());
  const auto path = spool_.write(unstored);
  if (!path) {
    log_.error(count + " results could not be spooled, their requests are sent again: " +
               path.error().message);
    return;
  }
  undelivered_ -= unstored.size();
  spooled_ += unstored.size();
  store_.keep_claims();
  log_.warn(count + " results are spooled in " + *path + "; the next start hands them over");
}

void JobTaskHandler::complete(std::vector<Handover> handovers) {
  if (handovers.empty()) return;
  std::vector<std::string> claim_ids;
  claim_ids.reserve(handovers.size());
  for (const Handover& handover : handovers) claim_ids.push_back(handover.claim_id);
  auto completions = make_completions(handovers);
  if (!completions) {
    give_up(claim_ids, completions.error());
    return;
  }
  const auto settled = patience_.repeat<std::vector<Settled>>(
      "complete " + std::to_string(completions->size()) + " requests",
      [&] { return store_.complete(*completions); });
  if (settled) {
    count_dropped(*settled);
    end_claims(claim_ids);
  } else if (settled.error().kind == StoreFailure::Kind::kUnavailable) {
    give_up(claim_ids, settled.error());
    keep(std::move(*completions));
  } else {
    for (std::size_t i = 0; i < handovers.size(); ++i) {
      complete_alone(std::move(handovers[i]), std::move((*completions)[i]));
    }
  }
}

void JobTaskHandler::complete_alone(Handover handover, Completion completion) {
  const auto store_it = [&](const Completion& entry) {
    return patience_.repeat<std::vector<Settled>>("complete a request", [&] {
      return store_.complete({&entry, 1});
    });
  };
  auto settled = store_it(completion);
  if (!settled && settled.error().kind != StoreFailure::Kind::kUnavailable) {
    log_.error("the result of request " + handover.callback.request_id +
               " cannot be stored, an error takes its place: " + settled.error().message);
    const std::variant<Response, Error> error = Error(RequestError(
        {.kind = ErrorKind::kResponseTooLarge,
         .message = "a response came that the store refuses: " + settled.error().message,
         .duration = handover.statistics.duration,
         .request_id = handover.callback.request_id,
         .url = handover.url,
         .method = handover.method,
         .callback_args = handover.callback_args}));
    handover.callback.error_kind = error_kind_of(error);
    handover.statistics = statistics_of(error);
    handover.data = outcome_json(error);
    std::vector<Handover> one;
    one.push_back(std::move(handover));
    auto again = make_completions(one);
    if (!again) return give_up({completion.claim_id}, again.error());
    completion = std::move(again->front());
    settled = store_it(completion);
  }
  if (settled) {
    count_dropped(*settled);
    end_claims({completion.claim_id});
  } else {
    give_up({completion.claim_id}, settled.error());
    if (settled.error().kind == StoreFailure::Kind::kUnavailable) keep({std::move(completion)});
  }
}

void JobTaskHandler::count_dropped(const std::vector<Settled>& settled) const {
  const auto gone = std::count(settled.begin(), settled.end(), Settled::kClaimGone);
  if (gone == 0) return;
  log_.warn(std::to_string(gone) +
            " results were dropped: their claims were rescued meanwhile, and another run delivers");
}

void JobTaskHandler::end_claims(const std::vector<std::string>& claim_ids) {
  bool has_suspect = false;
  for (const std::string& claim_id : claim_ids) {
    has_suspect = in_flight_.settled(claim_id) || has_suspect;
  }
  if (has_suspect) store_.wake();  // the next one may start
}

void JobTaskHandler::give_up(const std::vector<std::string>& claim_ids,
                             const StoreFailure& failure) {
  undelivered_ += claim_ids.size();
  for (const std::string& claim_id : claim_ids) in_flight_.abandon(claim_id);
  log_.error(std::to_string(claim_ids.size()) + " results could not be stored: " + failure.message +
             (spool_.is_enabled() && failure.kind == StoreFailure::Kind::kUnavailable
                  ? "; their claims stay"
                  : "; their claims stay, and whoever rescues them sends the requests again"));
}

void JobTaskHandler::postpone(std::vector<FailedClaim> waiting) {
  if (waiting.empty()) return;
  std::vector<std::string> claim_ids;
  claim_ids.reserve(waiting.size());
  for (const FailedClaim& one : waiting) claim_ids.push_back(one.claim_id);
  const std::string what = "postpone " + std::to_string(waiting.size()) + " requests";
  const auto settled = patience_.repeat<std::vector<Settled>>(
      what, [&] { return store_.fail(waiting, std::chrono::system_clock::now()); });
  if (!settled) {
    unreleased_ += claim_ids.size();
    log_.error(what + ": " + settled.error().message + "; they are left to rescue");
  }
  end_claims(claim_ids);
}

void JobTaskHandler::release(std::vector<std::string> claim_ids) {
  if (claim_ids.empty()) return;
  const std::string what = "put back " + std::to_string(claim_ids.size()) + " requests";
  const auto settled =
      patience_.repeat<std::vector<Settled>>(what, [&] { return store_.release(claim_ids); });
  if (settled) {
    const auto done = std::count(settled->begin(), settled->end(), Settled::kDone);
    put_back_ += static_cast<std::size_t>(done);
  } else {
    unreleased_ += claim_ids.size();
    log_.error(what + ": " + settled.error().message + "; they are left to rescue");
  }
  end_claims(claim_ids);
}

}  // namespace patient_http::jobs
