// A process that works on a job store until it is killed: store_victim <file> <seed>. After each
// step that the store acknowledged it writes a line to standard output: "pushed <jid>",
// "delivered <jid>", "finished <jid>". The test that started it reads them, kills it at a moment
// of its choice, and looks whether what was acknowledged stands.

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "jobs/sqlite_job_store.h"

namespace patient_http::jobs {
namespace {

void say(const std::string& line) {
  const std::string text = line + "\n";
  if (::write(STDOUT_FILENO, text.data(), text.size()) < 0) ::_exit(1);
}

class Victim {
 public:
  Victim(JobStore& store, std::uint32_t seed)
      : store_(store), name_("v" + std::to_string(seed) + "-"), random_(seed) {}

  // False when the store refused.
  bool step() {
    switch (random_() % 6) {
      case 0:
      case 1:
        return push();
      case 2:
      case 3:
        return claim_and_settle();
      case 4:
        return finish();
      default:
        return store_.promote_due(std::chrono::system_clock::now()).has_value();
    }
  }

 private:
  bool push() {
    std::vector<NewJob> jobs;
    for (std::uint32_t i = 0; i <= random_() % 4; ++i) {
      jobs.push_back({name_ + std::to_string(++last_), std::string(random_() % 9000, 'x')});
    }
    const std::vector<Note> notes{{name_, std::to_string(last_)}};
    if (!store_.push(jobs, notes)) return false;
    for (const NewJob& job : jobs) say("pushed " + job.jid);
    return true;
  }

  bool claim_and_settle() {
    const auto claims = store_.claim(1 + random_() % 5);
    if (!claims) return false;
    std::vector<Completion> completions;
    std::vector<std::string> released;
    std::vector<FailedClaim> failed;
    for (const Claim& claim : *claims) {
      switch (random_() % 8) {
        case 0:
          released.push_back(claim.id);
          break;
        case 1:
          failed.push_back({claim.id, std::nullopt, std::chrono::system_clock::now(), "again"});
          break;
        case 2:
          break;  // stays in flight
        default:
          completions.push_back({claim.id, claim.jid, std::string(random_() % 9000, 'y'), {}});
      }
    }
    if (!store_.release(released)) return false;
    if (!store_.fail(failed, std::chrono::system_clock::now())) return false;
    const auto settled = store_.complete(completions);
    if (!settled) return false;
    for (std::size_t i = 0; i < completions.size(); ++i)
      if ((*settled)[i] == Settled::kDone) say("delivered " + completions[i].callback_jid);
    return true;
  }

  bool finish() {
    const auto callbacks = store_.claim_callbacks(1 + random_() % 2);
    if (!callbacks) return false;
    std::vector<std::string> ids;
    for (const CallbackClaim& callback : *callbacks) ids.push_back(callback.id);
    if (random_() % 4 == 0) return true;  // stay running
    if (!store_.finish_callbacks(ids, {})) return false;
    for (const CallbackClaim& callback : *callbacks) say("finished " + callback.jid);
    return true;
  }

  JobStore& store_;
  const std::string name_;
  std::mt19937 random_;
  std::uint64_t last_ = 0;
};

int run(const std::string& path, std::uint32_t seed) {
  SqliteJobStoreOptions options;
  options.path = path;
  options.durability = seed % 2 == 0 ? SqliteJobStoreOptions::Durability::kNormal
                                     : SqliteJobStoreOptions::Durability::kFull;
  const auto store = SqliteJobStore::open(options);
  if (!store) {
    std::fprintf(stderr, "%s\n", store.error().message.c_str());
    return 1;
  }
  Victim victim(**store, seed);
  say("opened " + (*store)->process_id());
  while (victim.step()) {
  }
  return 1;
}

}  // namespace
}  // namespace patient_http::jobs

int main(int count, char** arguments) {
  if (count != 3) return 2;
  return patient_http::jobs::run(arguments[1],
                                 static_cast<std::uint32_t>(std::stoul(arguments[2])));
}
