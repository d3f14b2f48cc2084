#include "jobs/result_spool.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <istream>
#include <stdexcept>
#include <system_error>

#include "base/url.h"
#include "jobs/spool_line.h"

namespace patient_http::jobs {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kPrefix = "spool-";
constexpr std::string_view kSuffix = ".jsonl";
constexpr std::string_view kBroken = ".broken";
// A step of the store takes so many results, or so many bytes.
constexpr std::size_t kMostResults = 100;
constexpr std::size_t kMostBytes = std::size_t{16} << 20;
// Stops of one process that could not write.
constexpr int kMostFilesOfAProcess = 1000;

std::string system_message() {
  return std::generic_category().message(errno);
}

// Closes, and unlocks, on the way out.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  [[nodiscard]] bool is_open() const { return number_ >= 0; }
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

// A file name holds no ':', and nothing that a host's name might bring along.
std::string file_name(const std::string& process_id, int number) {
  std::string name(kPrefix);
  for (const char c : process_id) {
    const bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                          (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_';
    name += is_plain ? c : '_';
  }
  if (number > 0) name += "-" + std::to_string(number);
  return name + std::string(kSuffix);
}

bool write_all(int descriptor, std::string_view data) {
  while (!data.empty()) {
    const ssize_t written = ::write(descriptor, data.data(), data.size());
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) data.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

bool sync_directory(const std::string& directory) {
  const Descriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return opened.is_open() && ::fsync(opened.number()) == 0;
}

// Whether there is something in the file, and nobody else writes or reads it.
bool lock(const Descriptor& file) {
  if (!file.is_open() || ::flock(file.number(), LOCK_EX | LOCK_NB) != 0) return false;
  struct stat status {};
  // Somebody may have handed it over meanwhile; an empty one has a writer that only begins.
  return ::fstat(file.number(), &status) == 0 && status.st_nlink > 0 && status.st_size > 0;
}

}  // namespace

ResultSpool::ResultSpool(JobStore& store, std::string directory, std::string store_name, Log log)
    : store_(store),
      directory_(std::move(directory)),
      store_name_(std::move(store_name)),
      log_(std::move(log)) {
  if (directory_.empty() || fs::is_directory(directory_)) return;
  std::error_code error;
  fs::create_directories(directory_, error);
  if (error) {
    throw std::runtime_error("cannot make the state_directory " + directory_ + ": " +
                             error.message());
  }
  fs::permissions(directory_, fs::perms::owner_all, error);
}

Result<std::string> ResultSpool::write(std::span<const Completion> results) const {
  std::string path;
  int number = -1;
  for (int i = 0; number < 0 && i < kMostFilesOfAProcess; ++i) {
    path = (fs::path(directory_) / file_name(store_.process_id(), i)).string();
    number = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (number < 0 && errno != EEXIST) break;
  }
  const Descriptor file(number);
  bool done =
      file.is_open() && ::flock(file.number(), LOCK_EX) == 0 &&
      write_all(file.number(), to_spool_line(SpoolHead{store_.process_id(), store_name_}) + "\n");
  for (std::size_t i = 0; done && i < results.size(); ++i) {
    done = write_all(file.number(), to_spool_line(results[i]) + "\n");
  }
  done = done && ::fsync(file.number()) == 0 && sync_directory(directory_);
  if (!done) return failure("cannot write " + path + ": " + system_message());
  return path;
}

std::vector<std::string> ResultSpool::deliver() const {
  std::vector<std::string> kept;
  if (!is_enabled()) return kept;
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory_, error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(kPrefix) && name.ends_with(kSuffix)) paths.push_back(entry.path());
  }
  if (error)
    warn_once(directory_, "look for spooled results in " + directory_ + ": " + error.message());
  std::sort(paths.begin(), paths.end());
  for (const std::string& path : paths) {
    if (auto process = deliver_file(path)) kept.push_back(std::move(*process));
  }
  return kept;
}

std::optional<std::string> ResultSpool::deliver_file(const std::string& path) const {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  const bool is_locked = lock(file);
  std::ifstream input(path, std::ios::binary);
  std::string line;
  std::optional<SpoolHead> head;
  if (std::getline(input, line)) head = parse_spool_head(line);
  if (head && !is_ours(*head)) {
    warn_once(path, path + " holds results of another store, " + base::redact_url(head->store) +
                        "; start a service on that store with this state_directory");
    return std::nullopt;
  }
  // Another process writes it, or hands it over.
  if (!is_locked) return head ? std::optional(head->process_id) : std::nullopt;
  Counts counts;
  if (!head) {
    ++counts.unreadable;
  } else if (const auto done = deliver_lines(input, head->process_id, counts); !done) {
    // One that lives hands them over itself.
    if (done.error().kind != StoreFailure::Kind::kInUse)
      warn_once(path, "hand over the results of " + path + ": " + done.error().message);
    return head->process_id;
  }
  end_file(path, counts);
  return std::nullopt;
}

StoreResult<void> ResultSpool::deliver_lines(std::istream& input, const std::string& process_id,
                                             Counts& counts) const {
  std::string line;
  std::vector<Completion> batch;
  std::size_t bytes = 0;
  for (bool more = true; more;) {
    more = static_cast<bool>(std::getline(input, line));
    if (more) {
      // Without its line feed it was half written, when its writer died.
      auto result = input.eof() ? std::nullopt : parse_spool_result(line);
      if (!result) {
        ++counts.unreadable;
        continue;
      }
      bytes += result->callback_bytes.size();
      batch.push_back(std::move(*result));
    }
    if (batch.empty() || (more && batch.size() < kMostResults && bytes < kMostBytes)) continue;
    if (auto done = hand_over(process_id, batch, counts); !done) return done;
    batch.clear();
    bytes = 0;
  }
  return {};
}

void ResultSpool::end_file(const std::string& path, const Counts& counts) const {
  log_.info("handed over " + std::to_string(counts.delivered) + " results of " + path);
  if (counts.dropped > 0) {
    log_.warn(std::to_string(counts.dropped) + " results of " + path +
              " were dropped: their claims were rescued meanwhile, and another run delivers");
  }
  std::error_code error;
  if (counts.unreadable > 0) {
    log_.error(std::to_string(counts.unreadable) + " lines of " + path +
               " cannot be read, their requests are sent again; the file is kept as " + path +
               std::string(kBroken));
    fs::rename(path, path + std::string(kBroken), error);
  } else {
    fs::remove(path, error);
  }
  if (error) log_.warn("remove " + path + ": " + error.message());
  base::MutexLock lock(mutex_);
  told_.erase(path);
}

void ResultSpool::warn_once(const std::string& path, const std::string& text) const {
  {
    base::MutexLock lock(mutex_);
    std::string& told = told_[path];
    if (told == text) return;
    told = text;
  }
  log_.warn(text);
}

StoreResult<void> ResultSpool::hand_over(const std::string& process_id,
                                         const std::vector<Completion>& batch,
                                         Counts& counts) const {
  const auto settled = complete(process_id, batch);
  if (settled) {
    const auto done = std::count(settled->begin(), settled->end(), Settled::kDone);
    counts.delivered += static_cast<std::size_t>(done);
    counts.dropped += settled->size() - static_cast<std::size_t>(done);
    return {};
  }
  if (settled.error().kind != StoreFailure::Kind::kMisuse) return unexpected(settled.error());
  if (batch.size() > 1) {
    // The store refuses them for good: all of them, or one.
    for (const Completion& result : batch) {
      if (auto done = hand_over(process_id, {result}, counts); !done) return done;
    }
    return {};
  }
  log_.error("a spooled result cannot be stored, its request is sent again: " +
             settled.error().message);
  return {};
}

StoreResult<std::vector<Settled>> ResultSpool::complete(const std::string& process_id,
                                                        std::span<const Completion> results) const {
  if (process_id == store_.process_id()) return store_.complete(results);
  return store_.complete_as(process_id, results);
}

}  // namespace patient_http::jobs
