#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/mutex.h"

namespace patient_http::jobs {

// The jobs that this process has in memory, and the claim under which each is settled: those whose
// transfer runs, by request id, so that one id is never in two transfers at once, and those whose
// end is on its way into the store. A claim leaves only after the store has ended it.
//
// Thread safety: all methods may be called from any thread.
class InFlightJobs {
 public:
  enum class Added {
    kNew,
    // The same job was claimed a second time: the new claim now belongs to the running transfer.
    kAdopted,
    // Another job with that id is running.
    kOther,
  };
  struct Running {
    std::string request_id;
    std::string claim_id;
  };
  struct Ended {
    std::string claim_id;
    bool is_lost = false;
  };
  // What is there at one moment.
  struct Known {
    std::vector<Running> running;
    std::unordered_set<std::string> claim_ids;  // of all, also those that have ended
  };

  // `bytes`: what it takes of the memory for requests, until the store has ended its claim.
  Added add(const std::string& request_id, const std::string& jid, const std::string& claim_id,
            bool is_suspect = false, std::size_t bytes = 0);
  // Takes out a job whose transfer did not begin.
  void remove(const std::string& request_id);

  // Its transfer has ended; empty when it is not there. The claim stays known until settled().
  std::optional<Ended> end(const std::string& request_id);
  // A claim that ends without a transfer, as end().
  void begin_settling(const std::string& claim_id);
  // The store has ended the claim, or does not know it. Tells whether a suspect ended with it.
  bool settled(const std::string& claim_id);
  // The store could not be told: the claim stays known, so that nobody takes it up, until clear().
  void abandon(const std::string& claim_id);

  // The store does not know the claim any more. False when it has ended meanwhile, or is another.
  bool mark_lost(const std::string& request_id, const std::string& claim_id);

  // Whether a suspect runs, or is not settled yet.
  [[nodiscard]] bool has_suspect() const;
  [[nodiscard]] Known known() const;
  // Of those that run.
  [[nodiscard]] std::size_t size() const;
  // Of all.
  [[nodiscard]] std::size_t bytes() const;
  void clear();

 private:
  struct Job {
    std::string jid;
    std::string claim_id;
    bool is_suspect = false;
    std::size_t bytes = 0;
    bool is_lost = false;  // and cancelled, whichever claim it has now
  };
  // On its way into the store.
  struct Ending {
    bool is_suspect = false;
    std::size_t bytes = 0;
  };

  mutable base::Mutex mutex_;
  std::unordered_map<std::string, Job> jobs_ GUARDED_BY(mutex_);
  std::unordered_map<std::string, Ending> ending_ GUARDED_BY(mutex_);  // by claim
  std::size_t suspects_ GUARDED_BY(mutex_) = 0;                        // in both
  std::size_t bytes_ GUARDED_BY(mutex_) = 0;                           // in both
};

}  // namespace patient_http::jobs
