#pragma once

#include <optional>
#include <set>
#include <string>

#include "jobs/callback_job.h"

namespace patient_http::jobs {

// Who runs the callbacks of a store, and where their jobs wait.
struct CallbackRouting {
  // Of callbacks that we run.
  CallbackJobOptions ours = {};
  // Of callbacks that Sidekiq runs: all whose name is not registered here. None: we run all.
  std::optional<CallbackJobOptions> sidekiq = std::nullopt;
  std::set<std::string> registered = {};

  [[nodiscard]] bool is_sidekiqs(const std::string& callback) const {
    return sidekiq && !registered.contains(callback);
  }
  [[nodiscard]] const CallbackJobOptions& of(const std::string& callback) const {
    return is_sidekiqs(callback) ? *sidekiq : ours;
  }
};

}  // namespace patient_http::jobs
