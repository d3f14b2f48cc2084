#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "base/mutex.h"

namespace patient_http::jobs {

// The jobs that this process has in memory, by request id, and the claim under which each is
// settled: so that one id is never in two transfers at once.
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

  Added add(const std::string& request_id, const std::string& jid, const std::string& claim_id);
  // Takes a job out and gives its claim; empty when it is not there.
  std::optional<std::string> remove(const std::string& request_id);
  [[nodiscard]] std::size_t size() const;

 private:
  struct Job {
    std::string jid;
    std::string claim_id;
  };

  mutable base::Mutex mutex_;
  std::unordered_map<std::string, Job> jobs_ GUARDED_BY(mutex_);
};

}  // namespace patient_http::jobs
