#include "patient_http/file_payload_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/uuid.h"
#include "payload/payload_key.h"

namespace patient_http {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kSuffix = ".json";
constexpr std::string_view kUnfinishedSuffix = ".tmp";

// Far longer than any write takes. One that took longer would find its file gone, and fail.
constexpr std::chrono::hours kSafeAge{1};

// Closes on the way out; close() says whether that worked.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (is_open()) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  [[nodiscard]] bool is_open() const { return number_ >= 0; }
  [[nodiscard]] int number() const { return number_; }
  bool close() { return ::close(std::exchange(number_, -1)) == 0; }

 private:
  int number_;
};

// REQUIRES: errno is that of the attempt.
tl::unexpected<Failure> cannot(std::string_view attempt, const std::string& path) {
  return failure("cannot " + std::string(attempt) + " " + path + ": " +
                 std::generic_category().message(errno));
}

// Whoever calls has checked that; but a path is made of it.
Descriptor open_for_reading(const std::string& path, int flags) {
  return Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags));
}

// A file that is not there is only known to be missing when its directory is.
bool is_missing(const std::string& directory) {
  if (errno != ENOENT) return false;
  struct stat found {};
  if (::stat(directory.c_str(), &found) == 0) return true;
  errno = ENOENT;
  return false;
}

Result<void> sync_directory(const std::string& directory) {
  const Descriptor opened = open_for_reading(directory, O_DIRECTORY);
  if (!opened.is_open() || ::fsync(opened.number()) != 0) return cannot("flush", directory);
  return {};
}

bool write_all(int descriptor, std::string_view data) {
  while (!data.empty()) {
    const ssize_t written = ::write(descriptor, data.data(), data.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    data.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

Result<void> write_new_file(const std::string& path, std::string_view data) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.is_open()) return cannot("create", path);
  if (!write_all(file.number(), data)) return cannot("write", path);
  if (::fsync(file.number()) != 0) return cannot("flush", path);
  if (!file.close()) return cannot("write", path);
  return {};
}

Result<std::string> read_all(int descriptor, const std::string& path) {
  struct stat found {};
  if (::fstat(descriptor, &found) != 0) return cannot("read", path);
  // One byte more than it has: so its end is seen with the last read that fills it.
  std::string data(static_cast<std::size_t>(found.st_size) + 1, '\0');
  std::size_t filled = 0;
  for (;;) {
    const ssize_t got = ::read(descriptor, data.data() + filled, data.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return cannot("read", path);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
    if (filled == data.size()) data.resize(data.size() * 2);
  }
  data.resize(filled);
  return data;
}

Result<void> make_directory(const std::string& directory) {
  const fs::path path(directory);
  std::error_code error;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), error);
  if (error) {
    return failure("cannot create " + path.parent_path().string() + ": " + error.message());
  }
  if (::mkdir(directory.c_str(), 0700) == 0) return {};
  if (errno != EEXIST) return cannot("create", directory);
  if (!open_for_reading(directory, O_DIRECTORY).is_open()) return cannot("use", directory);
  return {};
}

// "<key>.json.<hex>.tmp"
bool is_unfinished(const std::string& name) {
  constexpr std::size_t kKeySize = 36;
  return name.ends_with(kUnfinishedSuffix) &&
         payload::is_payload_key(std::string_view(name).substr(0, kKeySize)) &&
         std::string_view(name).substr(kKeySize).starts_with(kSuffix);
}

// Only tidies up: what cannot be removed stays.
void remove_strays(const std::string& directory) {
  std::error_code error;
  const auto oldest = fs::file_time_type::clock::now() - kSafeAge;
  for (fs::directory_iterator each(directory, error), end; !error && each != end;
       each.increment(error)) {
    if (!is_unfinished(each->path().filename().string())) continue;
    std::error_code ignored;
    const auto written = each->last_write_time(ignored);
    if (!ignored && written < oldest) fs::remove(each->path(), ignored);
  }
}

}  // namespace

Result<std::unique_ptr<FilePayloadStore>> FilePayloadStore::open(const std::string& directory) {
  std::error_code error;
  // The working directory may change later.
  fs::path path = fs::absolute(directory, error).lexically_normal();
  if (directory.empty() || error) return failure("cannot find the directory '" + directory + "'");
  if (!path.has_filename()) path = path.parent_path();  // it ended with a slash
  if (auto made = make_directory(path.string()); !made) return unexpected(made.error());
  remove_strays(path.string());
  return std::unique_ptr<FilePayloadStore>(new FilePayloadStore(path.string()));
}

std::string FilePayloadStore::path_of(const std::string& key) const {
  return directory_ + "/" + key + std::string(kSuffix);
}

Result<void> FilePayloadStore::store(const std::string& key, std::string_view data) {
  constexpr std::size_t kRandomBytes = 8;
  if (auto checked = payload::check_payload_key(key); !checked) return checked;
  const std::string path = path_of(key);
  const std::string unfinished =
      path + "." + base::random_hex(kRandomBytes) + std::string(kUnfinishedSuffix);
  Result<void> done = write_new_file(unfinished, data);
  if (done && ::rename(unfinished.c_str(), path.c_str()) != 0) done = cannot("replace", path);
  if (!done) {
    ::unlink(unfinished.c_str());
    return done;
  }
  return sync_directory(directory_);
}

Result<std::optional<std::string>> FilePayloadStore::fetch(const std::string& key) {
  if (auto checked = payload::check_payload_key(key); !checked) return unexpected(checked.error());
  const std::string path = path_of(key);
  const Descriptor file = open_for_reading(path, 0);
  if (!file.is_open()) {
    if (is_missing(directory_)) return std::nullopt;
    return cannot("read", path);
  }
  Result<std::string> data = read_all(file.number(), path);
  if (!data) return unexpected(std::move(data.error()));
  return std::move(*data);
}

Result<void> FilePayloadStore::remove(const std::string& key) {
  if (auto checked = payload::check_payload_key(key); !checked) return checked;
  const std::string path = path_of(key);
  if (::unlink(path.c_str()) == 0 || is_missing(directory_)) return {};
  return cannot("remove", path);
}

Result<bool> FilePayloadStore::exists(const std::string& key) {
  if (auto checked = payload::check_payload_key(key); !checked) return unexpected(checked.error());
  const std::string path = path_of(key);
  struct stat found {};
  if (::stat(path.c_str(), &found) == 0) return true;
  if (is_missing(directory_)) return false;
  return cannot("look at", path);
}

}  // namespace patient_http
