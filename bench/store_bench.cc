// Lives of jobs per second on the SQLite store, beside the limit that a bare loop on SQLite sets:
// one wide row per life, in the same batches, in the same run. Only the ratios mean something
// from one machine to the next.
//
// A life is push, claim, complete, with 2 KB of job and 2 KB of callback. The column "whole" adds
// claiming and finishing the callback.
//
// store_bench [folder]   the folder for the files, by default the system's temporary one

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "drivers/sqlite/database.h"
#include "drivers/sqlite/transaction.h"
#include "jobs/sqlite_job_store.h"

namespace patient_http {
namespace {

using jobs::SqliteJobStore;
using jobs::SqliteJobStoreOptions;

constexpr std::size_t kPayloadBytes = 2048;
constexpr int kNormalPages = 4096;
constexpr int kStorePages = 16384;

struct Case {
  std::size_t batch;
  bool is_full;
  std::size_t lives;
};

template <class T, class E>
T must(Result<T, E> result) {
  if (!result) {
    std::fprintf(stderr, "store_bench: %s\n", result.error().message.c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

double lives_per_second(const Case& measured, const std::function<void()>& run_batch) {
  const auto begin = std::chrono::steady_clock::now();
  std::size_t lives = 0;
  while (lives < measured.lives) {
    run_batch();
    lives += measured.batch;
  }
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
  return static_cast<double>(lives) / spent.count();
}

std::vector<std::string> new_jids(std::size_t count) {
  std::vector<std::string> jids;
  for (std::size_t i = 0; i < count; ++i) jids.push_back(base::random_hex(12));
  return jids;
}

double bare(const Case& measured, const std::string& path, int page_size) {
  sqlite::OpenOptions options;
  options.path = path;
  options.page_size = page_size;
  options.synchronous =
      measured.is_full ? sqlite::Synchronous::kFull : sqlite::Synchronous::kNormal;
  sqlite::Database database = must(sqlite::Database::open(options));
  must(
      database.execute("CREATE TABLE jobs (id INTEGER PRIMARY KEY, jid TEXT UNIQUE,"
                       " state TEXT, process TEXT, bytes BLOB)"));
  const std::string bytes(kPayloadBytes, 'x');
  std::int64_t next = 0;
  return lives_per_second(measured, [&] {
    const std::vector<std::string> jids = new_jids(measured.batch);
    const std::int64_t first = next + 1;
    sqlite::Transaction push = must(sqlite::Transaction::begin(database));
    for (const std::string& jid : jids) {
      must(database.run("INSERT INTO jobs VALUES (?, ?, 'ready', NULL, ?)", ++next, jid,
                        sqlite::Blob{bytes}));
    }
    must(push.commit());
    sqlite::Transaction claim = must(sqlite::Transaction::begin(database));
    for (std::int64_t id = first; id <= next; ++id)
      must(database.run("UPDATE jobs SET state = 'in_flight', process = 'p' WHERE id = ?", id));
    must(claim.commit());
    sqlite::Transaction complete = must(sqlite::Transaction::begin(database));
    for (std::int64_t id = first; id <= next; ++id) {
      must(database.run("UPDATE jobs SET state = 'callback', bytes = ? WHERE id = ?",
                        sqlite::Blob{bytes}, id));
    }
    must(complete.commit());
  });
}

void push_backlog(SqliteJobStore& store, std::size_t count, const std::string& bytes) {
  constexpr std::size_t kBatch = 1000;
  for (std::size_t pushed = 0; pushed < count; pushed += kBatch) {
    std::vector<jobs::NewJob> batch;
    for (std::string& jid : new_jids(kBatch)) batch.push_back({std::move(jid), bytes});
    must(store.push(batch, {}));
  }
}

double store(const Case& measured, const std::string& path, bool is_whole,
             std::size_t backlog = 0) {
  SqliteJobStoreOptions options;
  options.path = path;
  options.durability = measured.is_full ? SqliteJobStoreOptions::Durability::kFull
                                        : SqliteJobStoreOptions::Durability::kNormal;
  const std::unique_ptr<SqliteJobStore> opened = must(SqliteJobStore::open(options));
  const std::string bytes(kPayloadBytes, 'x');
  push_backlog(*opened, backlog, bytes);
  return lives_per_second(measured, [&] {
    std::vector<jobs::NewJob> pushed;
    for (std::string& jid : new_jids(measured.batch)) pushed.push_back({std::move(jid), bytes});
    must(opened->push(pushed, {}));
    std::vector<jobs::Completion> completions;
    for (jobs::Claim& claim : must(opened->claim(measured.batch))) {
      jobs::RequestStatistics statistics;
      statistics.duration = std::chrono::seconds(1);
      statistics.http_status = 200;
      completions.push_back({std::move(claim.id), claim.jid + "c", bytes, statistics});
    }
    if (completions.size() != measured.batch) std::abort();
    must(opened->complete(completions));
    if (!is_whole) return;
    std::vector<std::string> ids;
    for (jobs::CallbackClaim& claim : must(opened->claim_callbacks(measured.batch)))
      ids.push_back(std::move(claim.id));
    must(opened->finish_callbacks(ids, {}));
  });
}

int run(const std::filesystem::path& parent) {
  const std::filesystem::path folder = parent / ("store_bench-" + base::random_hex(6));
  std::filesystem::create_directories(folder);
  int files = 0;
  const auto new_path = [&] { return (folder / (std::to_string(++files) + ".db")).string(); };
  std::printf("lives/s, 2 KB; bare: one wide row on pages of 4 KB and of 16 KB\n");
  std::printf("%-8s %6s %10s %10s %10s %10s %12s %12s\n", "sync", "batch", "bare 4K", "bare 16K",
              "store", "whole", "store/bare4", "store/bare16");
  for (const Case& measured :
       {Case{1, false, 4000}, Case{32, false, 30000}, Case{256, false, 30000}, Case{1, true, 1000},
        Case{32, true, 20000}, Case{256, true, 30000}}) {
    const double small_pages = bare(measured, new_path(), kNormalPages);
    const double large_pages = bare(measured, new_path(), kStorePages);
    const double ours = store(measured, new_path(), false);
    const double whole = store(measured, new_path(), true);
    std::printf("%-8s %6zu %10.0f %10.0f %10.0f %10.0f %12.2f %12.2f\n",
                measured.is_full ? "FULL" : "NORMAL", measured.batch, small_pages, large_pages,
                ours, whole, ours / small_pages, ours / large_pages);
    std::fflush(stdout);
  }
  constexpr std::size_t kBacklog = 100'000;
  const double deep = store({32, false, 30000}, new_path(), true, kBacklog);
  std::printf("NORMAL, batches of 32, whole, behind %zu waiting jobs: %.0f\n", kBacklog, deep);
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace patient_http

int main(int count, char** arguments) {
  return patient_http::run(count > 1 ? std::filesystem::path(arguments[1])
                                     : std::filesystem::temp_directory_path());
}
