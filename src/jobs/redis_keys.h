#pragma once

#include <string>
#include <string_view>

// The keys of docs/protocol.md. Sidekiq's have no prefix, the gem's one of its own, and so have
// ours.
namespace patient_http::jobs::redis_keys {

// Sidekiq's.
inline constexpr std::string_view kQueues = "queues";
inline constexpr std::string_view kPaused = "paused";
inline constexpr std::string_view kSchedule = "schedule";
inline constexpr std::string_view kRetry = "retry";
inline constexpr std::string_view kDead = "dead";
inline constexpr std::string_view kProcessed = "stat:processed";
inline constexpr std::string_view kFailed = "stat:failed";
inline constexpr std::string_view kSidekiqProcesses = "processes";

// The gem's.
inline constexpr std::string_view kIndex = "sidekiq:patient_http:inflight_index";
inline constexpr std::string_view kRegistry = "sidekiq:patient_http:inflight_jobs";
inline constexpr std::string_view kGemProcesses = "sidekiq:patient_http:processes";
inline constexpr std::string_view kTotals = "sidekiq:patient_http:totals";
inline constexpr std::string_view kLock = "sidekiq:patient_http:gc_lock";
inline constexpr std::string_view kLastRun = "sidekiq:patient_http:gc_last_run";
inline constexpr std::string_view kGemProcessPrefix = "sidekiq:patient_http:processes:";

// Ours.
inline constexpr std::string_view kProcesses = "patient_http:processes";
inline constexpr std::string_view kRescues = "patient_http:rescues";
inline constexpr std::string_view kSuspects = "patient_http:suspects";
inline constexpr std::string_view kDeaths = "patient_http:deaths";
inline constexpr std::string_view kUnneeded = "patient_http:unneeded_payloads";
inline constexpr std::string_view kNotes = "patient_http:notes";

inline std::string queue(std::string_view name) {
  return "queue:" + std::string(name);
}

// What the lease of a process holds that has ended, and left results in a spool.
inline constexpr std::string_view kLeftLease = "left";

// Those of one process.
struct OfProcess {
  explicit OfProcess(const std::string& process)
      : lease("patient_http:lease:" + process),
        claims("patient_http:claims:" + process),
        facts("patient_http:claim_facts:" + process),
        callbacks("patient_http:callbacks:" + process),
        announced("patient_http:announced_payloads:" + process),
        status("patient_http:status:" + process),
        sign_of_life(std::string(kGemProcessPrefix) + process + ":max_connections") {}

  std::string lease;
  std::string claims;     // member to bytes
  std::string facts;      // member to what else is known of the claim
  std::string callbacks;  // number to bytes, of those that run
  std::string announced;
  std::string status;
  std::string sign_of_life;  // the gem's
};

}  // namespace patient_http::jobs::redis_keys
