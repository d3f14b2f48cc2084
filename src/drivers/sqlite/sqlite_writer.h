#pragma once

#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

#include "base/queue.h"
#include "drivers/sqlite/database.h"

namespace patient_http::sqlite {

// The one thread that uses a connection. What waits when it comes round is written in one
// transaction (group commit), so that many callers share one wait for the disk.
//
// Thread safety: write() and read() may be called from any thread and block until the answer is
// there. stop() and the destructor: once, by the owner.
class SqliteWriter {
 public:
  // Runs on the writer thread. It may be run within a transaction that is rolled back after it
  // succeeded, and must not have effects outside the database but in results of its own.
  using Operation = std::function<SqliteResult<void>(Database&)>;

  explicit SqliteWriter(Database database);
  ~SqliteWriter();
  SqliteWriter(const SqliteWriter&) = delete;
  SqliteWriter& operator=(const SqliteWriter&) = delete;

  // Returns when `operation` is committed. An operation that fails is undone and fails alone; a
  // commit that fails, or a transaction that SQLite gives up, fails all that were in it.
  [[nodiscard]] SqliteResult<void> write(Operation operation);

  // `operation` only reads; it sees one state of the database, and all writes that returned
  // before. It works also while the disk is full.
  [[nodiscard]] SqliteResult<void> read(Operation operation);

  // How many operations the writer thread has not taken yet.
  [[nodiscard]] std::size_t waiting() const { return pending_.size(); }

  // Finishes what waits and refuses what comes later. Idempotent.
  void stop();

 private:
  struct Pending;

  SqliteResult<void> submit(Operation operation, bool is_write);
  void loop();
  void write_group(const std::vector<Pending*>& group);
  SqliteResult<void> write_one_of_many(Operation& operation);

  Database database_;              // the writer thread's, once it runs
  base::Queue<Pending*> pending_;  // each is its caller's, who waits for it
  std::thread thread_;
};

}  // namespace patient_http::sqlite
