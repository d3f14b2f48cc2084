#include "jobs/process_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "base/uuid.h"

namespace patient_http::jobs {

namespace {

constexpr std::string_view kMiddle = ".process-";
constexpr std::string_view kEnd = ".lock";

std::string lock_path(std::string_view database, std::string_view token) {
  std::string path(database);
  path += kMiddle;
  path += token;
  path += kEnd;
  return path;
}

tl::unexpected<Failure> system_failure(const char* attempt, const std::string& path) {
  const int code = errno;
  return failure(std::string("cannot ") + attempt + " " + path + ": " +
                 std::generic_category().message(code));
}

enum class Locked { kYes, kHeldElsewhere, kFailed };

Locked try_lock(int descriptor) {
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return Locked::kYes;
  return errno == EWOULDBLOCK ? Locked::kHeldElsewhere : Locked::kFailed;
}

// Whether `path` still leads to the open file: whoever clears away may have removed it between
// our opening and our locking it.
bool leads_to(const std::string& path, int descriptor) {
  struct stat by_path {};
  struct stat by_descriptor {};
  return ::stat(path.c_str(), &by_path) == 0 && ::fstat(descriptor, &by_descriptor) == 0 &&
         by_path.st_ino == by_descriptor.st_ino && by_path.st_dev == by_descriptor.st_dev;
}

// A new, locked file at `path`; -1 when somebody was faster or cleared it away.
Result<int> create_locked(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    if (errno == EEXIST) return -1;
    return system_failure("create the lock file", path);
  }
  const Locked locked = try_lock(descriptor);
  if (locked == Locked::kYes && leads_to(path, descriptor)) return descriptor;
  if (locked == Locked::kFailed) {
    auto failed = system_failure("lock", path);
    ::close(descriptor);
    return failed;
  }
  ::close(descriptor);
  return -1;
}

}  // namespace

ProcessLock::ProcessLock(std::string database, std::string token, int descriptor)
    : database_(std::move(database)), token_(std::move(token)), descriptor_(descriptor) {}

ProcessLock::ProcessLock(ProcessLock&& other) noexcept
    : database_(std::move(other.database_)),
      token_(std::move(other.token_)),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

ProcessLock::~ProcessLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<ProcessLock> ProcessLock::create(const std::string& database) {
  constexpr int kTries = 100;
  constexpr std::size_t kTokenBytes = 8;
  for (int i = 0; i < kTries; ++i) {
    std::string token = base::random_hex(kTokenBytes);
    const Result<int> descriptor = create_locked(lock_path(database, token));
    if (!descriptor) return unexpected(descriptor.error());
    if (*descriptor >= 0) return ProcessLock(database, std::move(token), *descriptor);
  }
  return failure("cannot lock a file of our own beside " + database +
                 ": others keep removing them");
}

Result<std::optional<ProcessLock>> ProcessLock::take_if_dead(const std::string& database,
                                                             std::string_view token) {
  const std::string path = lock_path(database, token);
  for (;;) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (descriptor < 0) {
      if (errno == ENOENT) return ProcessLock(database, std::string(token), -1);
      return system_failure("open the lock file", path);
    }
    ProcessLock lock(database, std::string(token), descriptor);
    const Locked locked = try_lock(descriptor);
    if (locked == Locked::kHeldElsewhere) return std::nullopt;
    if (locked == Locked::kFailed) return system_failure("lock", path);
    // Otherwise another rescuer has removed it, or its owner has restored it: look again.
    if (leads_to(path, descriptor)) return lock;
  }
}

void ProcessLock::remove_strays(const std::string& database,
                                const std::set<std::string>& registered) {
  const std::filesystem::path path(database);
  const std::string begin = path.filename().string() + std::string(kMiddle);
  std::vector<std::string> strays;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(path.parent_path(), error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.size() <= begin.size() + kEnd.size() || !name.starts_with(begin) ||
        !name.ends_with(kEnd))
      continue;
    std::string token = name.substr(begin.size(), name.size() - begin.size() - kEnd.size());
    if (!registered.contains(token)) strays.push_back(std::move(token));
  }
  for (const std::string& token : strays) {
    Result<std::optional<ProcessLock>> lock = take_if_dead(database, token);
    if (lock && lock->has_value()) (*lock)->remove_file();
  }
}

Result<void> ProcessLock::restore() {
  const std::string path = lock_path(database_, token_);
  if (descriptor_ >= 0 && leads_to(path, descriptor_)) return {};
  const Result<int> descriptor = create_locked(path);
  if (!descriptor) return unexpected(descriptor.error());
  if (*descriptor < 0) return failure("cannot lock " + path + " again: somebody else holds it");
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = *descriptor;
  return {};
}

void ProcessLock::remove_file() {
  const std::string path = lock_path(database_, token_);
  if (descriptor_ >= 0 && leads_to(path, descriptor_)) ::unlink(path.c_str());
}

}  // namespace patient_http::jobs
