#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "jobs/job_store.h"
#include "patient_http/log.h"

namespace patient_http::jobs {

struct SqliteJobStoreOptions {
  enum class Durability {
    kNormal,  // what was acknowledged survives kill -9; a power cut may take the last moments
    kFull,    // what was acknowledged survives a power cut
  };

  std::string path;
  Durability durability = Durability::kFull;
  // Begins the process's id, "<host>:<pid>"; empty: made from this host and process.
  std::string process_prefix = {};
  // How long another process's transaction is waited for before a step is kUnavailable.
  std::chrono::milliseconds busy_timeout{5000};
  // Refuse to share the file with another live process, now and while it is open.
  bool is_exclusive = false;
  Log log = {};
};

// The embedded JobStore: one SQLite file (WAL, mode 0600), which several processes of one machine
// may share. One thread of its own writes, with group commit.
//
// A process lives as long as it holds the lock on its file "<path>.process-<token>.lock", which
// the kernel frees when it ends: rescue() sees a death at once, heartbeat() only mends a lock
// file that somebody removed. Two stores in one process are two processes to each other. Release
// puts a job back to its very place, so that the order also holds across several processes.
//
// Thread safety: as JobStore. The destructor waits for what was begun; whatever is still claimed
// then stays claimed, for the next rescue() of any process.
class SqliteJobStore final : public JobStore {
 public:
  // Opens or makes the file. A file that is no database, another program's database or a newer
  // schema is refused (kDamaged, kMisuse) and not changed. kInUse names the other's process id.
  [[nodiscard]] static StoreResult<std::unique_ptr<SqliteJobStore>> open(
      const SqliteJobStoreOptions& options);
  ~SqliteJobStore() override;

  [[nodiscard]] const std::string& process_id() const override;
  [[nodiscard]] StoreResult<void> push(std::span<const NewJob> jobs,
                                       std::span<const Note> notes) override;
  [[nodiscard]] StoreResult<std::vector<Claim>> claim(std::size_t most) override;
  [[nodiscard]] StoreResult<Settled> start_suspect(const std::string& claim_id) override;
  [[nodiscard]] StoreResult<std::vector<ClaimReference>> claims() override;
  [[nodiscard]] StoreResult<std::vector<Settled>> complete(
      std::span<const Completion> completions) override;
  [[nodiscard]] StoreResult<std::vector<Settled>> complete_as(
      const std::string& process_id, std::span<const Completion> completions) override;
  [[nodiscard]] StoreResult<std::vector<Settled>> fail(
      std::span<const FailedClaim> failed, std::chrono::system_clock::time_point now) override;
  [[nodiscard]] StoreResult<std::vector<Settled>> release(
      std::span<const std::string> claim_ids) override;
  [[nodiscard]] StoreResult<std::int64_t> rescue_except(
      std::span<const std::string> spared, std::chrono::system_clock::time_point now) override;
  [[nodiscard]] StoreResult<void> heartbeat(const ProcessHealth& health) override;
  [[nodiscard]] StoreResult<std::int64_t> promote_due(
      std::chrono::system_clock::time_point now) override;
  [[nodiscard]] StoreResult<std::vector<CallbackClaim>> claim_callbacks(std::size_t most) override;
  [[nodiscard]] StoreResult<std::vector<Settled>> finish_callbacks(
      std::span<const std::string> ids, std::span<const Note> notes) override;
  [[nodiscard]] StoreResult<std::vector<Settled>> fail_callbacks(
      std::span<const FailedClaim> failed, std::chrono::system_clock::time_point now) override;
  [[nodiscard]] StoreResult<std::vector<Settled>> release_callbacks(
      std::span<const std::string> ids) override;
  [[nodiscard]] StoreResult<std::vector<DeadJob>> dead_jobs(std::size_t most,
                                                            std::string_view after) override;
  [[nodiscard]] StoreResult<std::int64_t> retry_dead(std::span<const std::string> ids) override;
  [[nodiscard]] StoreResult<std::int64_t> delete_dead(std::span<const std::string> ids) override;
  [[nodiscard]] StoreResult<std::int64_t> trim_dead(
      std::chrono::system_clock::time_point before) override;
  [[nodiscard]] StoreResult<void> announce_payloads(std::span<const std::string> payloads) override;
  [[nodiscard]] StoreResult<std::vector<std::string>> unneeded_payloads(
      std::size_t most, std::string_view after) override;
  [[nodiscard]] StoreResult<void> forget_payloads(std::span<const std::string> payloads) override;
  [[nodiscard]] StoreResult<std::optional<std::string>> note(std::string_view key) override;
  [[nodiscard]] StoreResult<Statistics> statistics() override;
  [[nodiscard]] StoreResult<void> clear_statistics() override;
  [[nodiscard]] StoreResult<JobCounts> counts() override;
  [[nodiscard]] Wait wait_for_jobs(std::chrono::steady_clock::time_point deadline) override;
  [[nodiscard]] Wait wait_for_callbacks(std::chrono::steady_clock::time_point deadline) override;
  void wake() override;

  // Whether every commit waits for the disk, as SQLite itself says.
  [[nodiscard]] StoreResult<SqliteJobStoreOptions::Durability> durability();

 private:
  struct Impl;

  explicit SqliteJobStore(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace patient_http::jobs
