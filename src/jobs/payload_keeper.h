#pragma once

#include <chrono>
#include <set>
#include <string>

#include "jobs/job_store.h"
#include "patient_http/log.h"
#include "payload/external_storage.h"

namespace patient_http::jobs {

// Puts payloads back that Ruby needs again. The gem's callback worker removes a result's payload
// after its first try, whatever came of it: when the callback raised, Sidekiq's next try finds
// nothing. From payload stores that keep a copy the payload is put back before that try.
//
// A payload that is put back needlessly, because the job ended meanwhile, ends with its copy.
//
// Thread safety: one thread at a time. It blocks on the store and the payload stores.
class PayloadKeeper {
 public:
  // All but `log` must outlive this object.
  PayloadKeeper(JobStore& store, const payload::ExternalStorage& storage, Log log)
      : store_(store), storage_(storage), log_(std::move(log)) {}

  // Looks at the jobs that are tried again within the next minute. Costs nothing when no payload
  // store keeps copies.
  void keep(std::chrono::system_clock::time_point now);

 private:
  void report(const std::string& place, const std::string& message);

  JobStore& store_;
  const payload::ExternalStorage& storage_;
  const Log log_;
  std::set<std::string> reported_;  // stores that fail: one line each is enough
};

}  // namespace patient_http::jobs
