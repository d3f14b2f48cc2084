#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "jobs/callback_job.h"
#include "jobs/callback_routing.h"
#include "jobs/in_flight_jobs.h"
#include "jobs/job_sealer.h"
#include "jobs/job_store.h"
#include "jobs/request_job.h"
#include "jobs/result_spool.h"
#include "jobs/store_patience.h"
#include "patient_http/log.h"
#include "patient_http/task_handler.h"

namespace patient_http::jobs {

// A request job on its way through the engine. Its claim is in InFlightJobs.
class JobTask final : public RequestTask {
 public:
  // `bytes`: the job as it is stored, if it may have to be stored again; else empty.
  JobTask(RequestJob job, TaskHandler& handler, std::string bytes = {})
      : RequestTask(std::move(job.request), handler,
                    {.id = std::move(job.request_id),
                     .callback = std::move(job.callback),
                     .callback_args = std::move(job.callback_args),
                     .raise_error_responses = job.raise_error_responses,
                     .earlier_attempts = job.earlier_attempts}),
        format_(job.format),
        carried_(std::move(job.carried)),
        bytes_(std::move(bytes)) {}

  [[nodiscard]] std::optional<EncryptionFormat> format() const { return format_; }
  [[nodiscard]] const std::string& carried() const { return carried_; }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::optional<EncryptionFormat> format_;
  std::string carried_;
  std::string bytes_;
};

// Settles the tasks of jobs in the store: a result becomes a callback job, encrypted and stored
// elsewhere as JobSealer decides; interrupted requests go back to the front of the queue together.
// While the store is down it waits and tries again, so that no result is thrown away; meanwhile the
// tasks' slots stay occupied. A result that the store refuses for good (it is too large for it)
// becomes an error that says so.
//
// Thread safety: as TaskHandler. It must get JobTasks only.
class JobTaskHandler final : public TaskHandler {
 public:
  // All must outlive this object.
  JobTaskHandler(JobStore& store, const JobSealer& sealer, InFlightJobs& in_flight,
                 StorePatience& patience, const ResultSpool& spool, CallbackRouting routing,
                 Log log)
      : store_(store),
        sealer_(sealer),
        in_flight_(in_flight),
        patience_(patience),
        spool_(spool),
        routing_(std::move(routing)),
        log_(std::move(log)) {}

  void settle(std::vector<SettledTask> batch) override;
  [[nodiscard]] std::chrono::milliseconds gathering_time() const override;
  // What brought its bytes along.
  [[nodiscard]] bool can_postpone(const RequestTask& task) const override;

  // Called by the engine's default settle() only, which this class replaces; each settles one.
  void on_complete(std::unique_ptr<RequestTask> task, Response response) override;
  void on_error(std::unique_ptr<RequestTask> task, Error error) override;
  void retry(std::unique_ptr<RequestTask> task) override;

  // Hand over an outcome that needed no transfer: that of an invalid request, and of one that is
  // not sent any more for the reason that `kind` and `message` say.
  void complete_now(const std::string& claim_id, const UnrunnableJob& job);
  void refuse(const std::string& claim_id, const RequestJob& job, ErrorKind kind,
              std::string message);

  // Puts the requests back that a stop of the processor has interrupted, all in one step, which
  // gives them their order. Until then their claims stay. Call after that stop.
  void release_interrupted();

  // The caller could not put back so many jobs: they are left to rescue.
  void count_unreleased(std::size_t count) { unreleased_ += count; }

  // Writes the results that the store was down for into the spool. Call after the stop, when nobody
  // hands over what is there.
  void spool_unstored();

  // Results that could not be handed over, and are not in the spool: the store was given up on, or
  // a bug. Their claims stay.
  [[nodiscard]] std::size_t undelivered() const { return undelivered_.load(); }
  // Requests that were put back to the front of their queue.
  [[nodiscard]] std::size_t put_back() const { return put_back_.load(); }
  // Claims that stay for the next start or for whoever rescues them: of results that were spooled
  // or are undelivered, and of requests that could not be put back.
  [[nodiscard]] std::size_t left_behind() const {
    return undelivered_.load() + spooled_.load() + unreleased_.load();
  }

 private:
  // A result on its way into the store, and what an error in its place needs.
  struct Handover {
    std::string claim_id;
    NewCallbackJob callback;
    std::string url;
    HttpMethod method = HttpMethod::kGet;
    CallbackArgs callback_args;
    std::optional<EncryptionFormat> format;
    RequestStatistics statistics;
    std::string data;  // the JSON of the outcome, until it is sealed
  };

  // Adds the claims of what has ended to `claim_ids`.
  void settle_batch(std::vector<SettledTask>& batch, std::vector<std::string>& claim_ids);
  [[nodiscard]] static Handover hand_over(std::string claim_id, const JobTask& task,
                                          const std::variant<Response, Error>& outcome);
  // Of an outcome without a transfer.
  void complete_one(Handover handover);
  void complete(std::vector<Handover> handovers);
  // Fails when the store has been given up on.
  [[nodiscard]] StoreResult<std::vector<Completion>> make_completions(
      std::vector<Handover>& handovers);
  [[nodiscard]] std::vector<Completion> assemble(std::vector<Handover>& handovers,
                                                 std::vector<SealedData>& sealed) const;
  // Keeps results for the spool. Without the store, nothing is kept elsewhere.
  void keep(std::vector<Completion> completions);
  void keep_unsealed(std::vector<Handover>& handovers, std::vector<UnsealedData>& batch);
  // One by one, after the store refused them together.
  void complete_alone(Handover handover, Completion completion);
  void count_dropped(const std::vector<Settled>& settled) const;
  // The store has ended the claims, or does not know them.
  void end_claims(const std::vector<std::string>& claim_ids);
  void give_up(const std::vector<std::string>& claim_ids, const StoreFailure& failure);
  void release(std::vector<std::string> claim_ids);
  // Into the schedule of the store.
  void postpone(std::vector<FailedClaim> waiting);

  JobStore& store_;
  const JobSealer& sealer_;
  InFlightJobs& in_flight_;
  StorePatience& patience_;
  const ResultSpool& spool_;
  const CallbackRouting routing_;
  const Log log_;
  std::atomic<std::size_t> undelivered_{0};
  std::atomic<std::size_t> spooled_{0};
  std::atomic<std::size_t> put_back_{0};
  std::atomic<std::size_t> unreleased_{0};
  base::Mutex mutex_;
  std::vector<std::string> interrupted_ GUARDED_BY(mutex_);  // claim ids
  std::vector<Completion> unstored_ GUARDED_BY(mutex_);      // for the spool
};

}  // namespace patient_http::jobs
