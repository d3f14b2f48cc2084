#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/process_health.h"
#include "jobs/store_failure.h"
#include "patient_http/service_status.h"

namespace patient_http::jobs {

// A job as it is handed in. `bytes` is its JSON, which no store ever parses or re-encodes.
struct NewJob {
  std::string jid;
  std::string bytes;
  // When to run it; without it, at once.
  std::optional<std::chrono::system_clock::time_point> run_at = std::nullopt;
  // What the bytes refer to in a payload store, as "<store>/<key>".
  std::optional<std::string> payload = std::nullopt;
};

// A small fact that is kept in the same step as the change that it belongs to.
struct Note {
  std::string key;
  std::string value;
};

// A job that is registered as in flight under this process. `id` is opaque and never used again:
// a job that is claimed anew has another one.
struct Claim {
  std::string id;
  std::string jid;
  std::string bytes;
  // How often it was taken from a dead process within the hour before the last time, that included.
  int rescues = 0;
  int deaths = 0;  // how often a process died while it ran this as its suspect (start_suspect)
};

struct ClaimReference {
  std::string id;
  std::string jid;
};

// What one request adds to the totals.
struct RequestStatistics {
  std::chrono::duration<double> duration{0};
  std::optional<int> http_status;
  std::optional<std::string> error_type;
};

struct Completion {
  std::string claim_id;
  std::string callback_jid;
  std::string callback_bytes;
  RequestStatistics statistics;
  std::optional<std::string> payload = std::nullopt;  // as in NewJob, of callback_bytes
  // The Sidekiq queue whose workers run the callback. Without it the callback is one of ours
  // (claim_callbacks). For stores that Sidekiq reads; others keep every callback.
  std::optional<std::string> sidekiq_queue = std::nullopt;
};

// Of a job or of a callback.
struct FailedClaim {
  std::string claim_id;
  std::optional<std::string> bytes;  // replaces what is stored; without it those bytes stay
  // When to try again; without it the job is dead.
  std::optional<std::chrono::system_clock::time_point> retry_at;
  std::string reason;  // for a person to read, kept with the job
  // It waits for its time, and new bytes do not mean that it failed. For stores that tell the two
  // apart.
  bool only_waits = false;
};

// What became of one entry of a batch.
enum class Settled {
  kDone,
  kClaimGone,  // rescued, released, or settled before: nothing was changed
};

// A callback of ours that is registered as running under this process.
struct CallbackClaim {
  std::string id;
  std::string jid;
  std::string bytes;
  int rescues = 0;  // as in Claim, of the callback alone
};

enum class Wait {
  kWork,      // there may be something to claim
  kWoken,     // wake() was called
  kDeadline,  // the time has come
};

// Where jobs are, from the moment they are accepted until their callback has ended for good. A
// job is in exactly one state: ready, in flight, scheduled, dead, callback waiting, callback
// running or callback scheduled. Several processes may share one backing store.
//
// A job's bytes may refer to a payload that is kept elsewhere. The store knows of each such
// payload from before it is there (announce_payloads) until after it is gone (forget_payloads),
// and says when no job needs it any more (unneeded_payloads): a reference never dangles, and
// nothing stays behind, wherever a process dies.
//
// Every method that changes something is one atomic step, and durable when it returns. When it
// fails, or when its reply is lost, the caller repeats it with the same arguments: the comments
// say what the second call does.
//
// Thread safety: all methods may be called from any thread. They block on the store, so only the
// threads that DESIGN's table allows to wait for it may call them.
class JobStore {
 public:
  virtual ~JobStore() = default;

  // The id under which this process claims: "<host>:<pid>:<16 hex digits>".
  [[nodiscard]] virtual const std::string& process_id() const = 0;

  // Puts `jobs` at the back of the queue in their order, or into the schedule, and keeps `notes`. A
  // jid that the store knows, in whichever state (its callback included), changes nothing, and a
  // payload that came with it is not needed; notes are kept all the same. Repeated: changes
  // nothing.
  [[nodiscard]] virtual StoreResult<void> push(std::span<const NewJob> jobs,
                                               std::span<const Note> notes) = 0;

  // Takes up to `most` jobs from the front of the queue, oldest first, and registers them under
  // this process; fewer, but one at least, when they are of more than 8 MiB together. Repeated:
  // takes the next ones; claims() tells what a lost reply held.
  [[nodiscard]] virtual StoreResult<std::vector<Claim>> claim(std::size_t most) = 0;

  // Notes that this process now runs the job of this claim as its suspect: one that may be what
  // kills processes. There is one per process, and a second takes the first one's place. The note
  // ends with the claim (complete, fail, release); when the process dies before, rescue() counts
  // that in Claim::deaths. Repeated: changes nothing.
  [[nodiscard]] virtual StoreResult<Settled> start_suspect(const std::string& claim_id) = 0;

  // This process's claims on jobs, oldest first.
  [[nodiscard]] virtual StoreResult<std::vector<ClaimReference>> claims() = 0;

  // For each entry whose claim is there and ours: removes claim and job, puts the callback job
  // at the back of the callbacks, adds to the statistics. The job's payload is then not needed any
  // more, the callback's is; where the claim is gone it is the other way round. Entry by entry, in
  // one step for all. The answer has one element per entry. Repeated: kClaimGone, and changes
  // nothing.
  [[nodiscard]] virtual StoreResult<std::vector<Settled>> complete(
      std::span<const Completion> completions) = 0;

  // This process ends with results of its claims in a spool: others are to leave the claims alone
  // for a while, so that the next start can hand the results over. For stores whose claims others
  // may rescue before that; where a process that starts looks into the spool first, nothing needs
  // to be done.
  virtual void keep_claims() {}

  // As complete(), for claims of a process that is gone and has left its results behind. kInUse
  // when that process lives. Repeated: kClaimGone, and changes nothing.
  [[nodiscard]] virtual StoreResult<std::vector<Settled>> complete_as(
      const std::string& process_id, std::span<const Completion> completions) = 0;

  // Moves each job to the schedule or to the dead set. `now` is kept as the time of its death.
  // Repeated: kClaimGone, and changes nothing.
  [[nodiscard]] virtual StoreResult<std::vector<Settled>> fail(
      std::span<const FailedClaim> failed, std::chrono::system_clock::time_point now) = 0;

  // Puts jobs back to the front of the queue, in the order in which they were in it, unchanged.
  // Repeated: kClaimGone, and changes nothing.
  [[nodiscard]] virtual StoreResult<std::vector<Settled>> release(
      std::span<const std::string> claim_ids) = 0;

  // Puts the jobs, and the callbacks, of dead processes to the back of their queue, unchanged,
  // in their order; counts one rescue at `now` for each, and one death for each process's suspect.
  // A result ends a job's counts, its callback begins anew. Gives their number. Processes that live
  // are left alone, however busy, and so are the dead in `spared`, by their process_id(), until a
  // later call. The store tells its log. Repeated: finds nothing more, and gives 0.
  [[nodiscard]] virtual StoreResult<std::int64_t> rescue_except(
      std::span<const std::string> spared, std::chrono::system_clock::time_point now) = 0;
  [[nodiscard]] StoreResult<std::int64_t> rescue(std::chrono::system_clock::time_point now) {
    return rescue_except({}, now);
  }

  // Tells the others that this process lives, and how it is: stores that keep `health` show it to
  // whoever looks, others do without. Repeated: tells it anew.
  [[nodiscard]] virtual StoreResult<void> heartbeat(const ProcessHealth& health) = 0;

  // Puts scheduled jobs, and callbacks, whose time has come by `now` to the back of their queue,
  // earliest first, and gives their number. Repeated: finds nothing more, and gives 0.
  [[nodiscard]] virtual StoreResult<std::int64_t> promote_due(
      std::chrono::system_clock::time_point now) = 0;

  // Takes up to `most` callbacks, oldest first, and registers them under this process. Repeated:
  // takes the next ones; what a lost reply held is released or rescued when the process ends.
  [[nodiscard]] virtual StoreResult<std::vector<CallbackClaim>> claim_callbacks(
      std::size_t most) = 0;

  // Removes callbacks that have ended for good, and keeps `notes`. From then on their jid is not
  // known any more. Repeated: kClaimGone; notes are kept all the same.
  [[nodiscard]] virtual StoreResult<std::vector<Settled>> finish_callbacks(
      std::span<const std::string> ids, std::span<const Note> notes) = 0;

  // As fail(), with callbacks. Repeated: kClaimGone.
  [[nodiscard]] virtual StoreResult<std::vector<Settled>> fail_callbacks(
      std::span<const FailedClaim> failed, std::chrono::system_clock::time_point now) = 0;

  // Puts callbacks back to the front, as release() does with jobs. Repeated: kClaimGone.
  [[nodiscard]] virtual StoreResult<std::vector<Settled>> release_callbacks(
      std::span<const std::string> ids) = 0;

  // Up to `most` of the dead, the last that died first, from the one after `after` on (an id of an
  // earlier answer; empty: from the first on).
  [[nodiscard]] virtual StoreResult<std::vector<DeadJob>> dead_jobs(std::size_t most,
                                                                    std::string_view after) = 0;
  // Puts the dead back to the back of their queue, unchanged, and gives their number. Their rescues
  // and deaths are counted anew. Repeated: finds nothing more, and gives 0.
  [[nodiscard]] virtual StoreResult<std::int64_t> retry_dead(std::span<const std::string> ids) = 0;
  // Forgets the dead, as if their callback had ended, and gives their number. Repeated: 0.
  [[nodiscard]] virtual StoreResult<std::int64_t> delete_dead(std::span<const std::string> ids) = 0;
  // Deletes those who died before `before`. Repeated: 0.
  [[nodiscard]] virtual StoreResult<std::int64_t> trim_dead(
      std::chrono::system_clock::time_point before) = 0;

  // Payloads that this process is about to store, and to push or complete a job with. One that it
  // does not use is not needed once the process is gone. Repeated: changes nothing.
  [[nodiscard]] virtual StoreResult<void> announce_payloads(
      std::span<const std::string> payloads) = 0;
  // Up to `most` payloads that no job needs and none can come to need, in order, those after
  // `after`.
  [[nodiscard]] virtual StoreResult<std::vector<std::string>> unneeded_payloads(
      std::size_t most, std::string_view after) = 0;
  // They have been removed. Without effect on those that a job needs. Repeated: changes nothing.
  [[nodiscard]] virtual StoreResult<void> forget_payloads(
      std::span<const std::string> payloads) = 0;

  // Payloads of up to 100 callback jobs that Ruby runs, has tried, and tries again before `until`:
  // it removes a payload with its first try. None where all callbacks are ours.
  [[nodiscard]] virtual StoreResult<std::vector<std::string>> removed_payloads(
      std::chrono::system_clock::time_point /*until*/) {
    return {};
  }

  [[nodiscard]] virtual StoreResult<std::optional<std::string>> note(std::string_view key) = 0;
  [[nodiscard]] virtual StoreResult<Statistics> statistics() = 0;
  [[nodiscard]] virtual StoreResult<void> clear_statistics() = 0;
  [[nodiscard]] virtual StoreResult<JobCounts> counts() = 0;

  // Waits until there may be something to claim. Work that comes from this process ends the wait
  // at once, work from another one soon after. A store that cannot be read counts as kWork: the
  // claim that follows will say what is wrong.
  [[nodiscard]] virtual Wait wait_for_jobs(std::chrono::steady_clock::time_point deadline) = 0;
  [[nodiscard]] virtual Wait wait_for_callbacks(std::chrono::steady_clock::time_point deadline) = 0;

  // Ends all waits under way, of both kinds; where none is, the next one ends at once.
  virtual void wake() = 0;
};

}  // namespace patient_http::jobs
