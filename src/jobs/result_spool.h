#pragma once

#include <iosfwd>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "jobs/job_store.h"
#include "jobs/spool_line.h"
#include "patient_http/log.h"
#include "patient_http/result.h"

namespace patient_http::jobs {

// Results that could not be handed over before their process ended, in files
// "spool-<process id>.jsonl" (mode 0600) of a directory: what a stop writes while the store is
// down, the next start hands over under the old process id. The claims decide: results whose claims
// were rescued meanwhile are dropped.
//
// A file is locked (flock) while it is written or handed over, so processes may share a directory;
// of stores that share one, each takes its own files. docs/protocol.md has the form.
//
// Thread safety: all methods may be called from any thread; they block on the disk and the store.
class ResultSpool {
 public:
  // `store` must outlive this object; `store_name` tells it from others. Makes the directory (mode
  // 0700) when it is not there, and throws std::runtime_error when it cannot. Without a directory
  // nothing is spooled.
  ResultSpool(JobStore& store, std::string directory, std::string store_name, Log log);

  [[nodiscard]] bool is_enabled() const { return !directory_.empty(); }

  // Writes the results of this process, waits for the disk, and gives the file's path.
  // REQUIRES: is_enabled().
  [[nodiscard]] Result<std::string> write(std::span<const Completion> results) const;

  // Hands over what processes that are gone have left, and what an earlier stop of this one has.
  // What cannot be handed over now stays for the next call, and the log says so once. Gives the ids
  // of the processes whose files stay: their claims must not be rescued meanwhile.
  [[nodiscard]] std::vector<std::string> deliver() const;

 private:
  struct Counts {
    std::size_t delivered = 0;
    std::size_t dropped = 0;
    std::size_t unreadable = 0;
  };
  // Gives the process whose results stay in the file.
  [[nodiscard]] std::optional<std::string> deliver_file(const std::string& path) const;
  [[nodiscard]] bool is_ours(const SpoolHead& head) const { return head.store == store_name_; }
  // Fails when the store did not take them for now.
  [[nodiscard]] StoreResult<void> deliver_lines(std::istream& input, const std::string& process_id,
                                                Counts& counts) const;
  void end_file(const std::string& path, const Counts& counts) const;
  // Warns, but not again of the same about the same file.
  void warn_once(const std::string& path, const std::string& text) const;
  [[nodiscard]] StoreResult<void> hand_over(const std::string& process_id,
                                            const std::vector<Completion>& batch,
                                            Counts& counts) const;
  [[nodiscard]] StoreResult<std::vector<Settled>> complete(
      const std::string& process_id, std::span<const Completion> results) const;

  JobStore& store_;
  const std::string directory_;
  const std::string store_name_;
  const Log log_;
  mutable base::Mutex mutex_;
  mutable std::map<std::string, std::string> told_ GUARDED_BY(mutex_);  // by path
};

}  // namespace patient_http::jobs
