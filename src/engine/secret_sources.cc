#include "patient_http/secret_sources.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <tuple>

#include "base/mutex.h"
#include "drivers/crypto/wipe.h"
#include "drivers/net/fd.h"
#include "engine/secret_command.h"

namespace patient_http {

using base::MutexLock;
using engine::kLargestSecret;
using engine::run_secret_command;
using std::chrono::steady_clock;

namespace {

// A value that is kept, and wiped.
class Kept {
 public:
  Kept() = default;
  ~Kept() { crypto::wipe(value_); }
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;

  void set(std::string&& value) {
    value_.swap(value);
    crypto::wipe(value);
  }
  [[nodiscard]] std::string& value() { return value_; }

 private:
  std::string value_;
};

void strip_line_break(std::string& text) {
  if (!text.empty() && text.back() == '\n') text.pop_back();
  if (!text.empty() && text.back() == '\r') text.pop_back();
}

// Looks and reads without the lock: two that find a new content at the same time both read it.
class SecretFile {
 public:
  explicit SecretFile(std::string path) : path_(std::move(path)) {}

  [[nodiscard]] std::string value() {
    struct stat found = {};
    if (::stat(path_.c_str(), &found) != 0) fail(errno);
    const Version version = check(found);
    {
      MutexLock lock(mutex_);
      if (version_ == version) return kept_.value();
    }
    return read();
  }

 private:
  // Which content of which file: an editor writes in place, or puts a new file in its place.
  using Version = std::tuple<dev_t, ino_t, off_t, std::int64_t, std::int64_t>;

  [[nodiscard]] Version check(const struct stat& found) const {
    if (!S_ISREG(found.st_mode)) fail("it is no regular file");
    if (found.st_size > static_cast<off_t>(kLargestSecret)) fail("it is larger than 64 KiB");
    return {found.st_dev, found.st_ino, found.st_size, found.st_mtim.tv_sec, found.st_mtim.tv_nsec};
  }

  std::string read() {
    // Not waiting for the other end, should it have become a pipe.
    const net::Fd file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat found = {};
    if (!file || ::fstat(file.get(), &found) != 0) fail(errno);
    const Version version = check(found);
    Kept bytes;
    bytes.set(std::string(kLargestSecret + 1, '\0'));
    const std::size_t size = read_all(file.get(), bytes.value());
    if (size > kLargestSecret) fail("it is larger than 64 KiB");
    std::string value(bytes.value(), 0, size);
    strip_line_break(value);
    MutexLock lock(mutex_);
    version_ = version;
    kept_.set(std::string(value));
    return value;
  }

  [[nodiscard]] std::size_t read_all(int file, std::string& bytes) const {
    std::size_t size = 0;
    while (size < bytes.size()) {
      const ssize_t got = ::read(file, bytes.data() + size, bytes.size() - size);
      if (got == 0) break;
      if (got > 0) {
        size += static_cast<std::size_t>(got);
      } else if (errno != EINTR) {
        fail(errno);
      }
    }
    return size;
  }

  [[noreturn]] void fail(int error) const { fail(std::generic_category().message(error)); }
  [[noreturn]] void fail(const std::string& reason) const {
    throw std::runtime_error("cannot read the file " + path_ + ": " + reason);
  }

  const std::string path_;
  base::Mutex mutex_;
  std::optional<Version> version_ GUARDED_BY(mutex_);  // of what is kept
  Kept kept_ GUARDED_BY(mutex_);
};

// Runs without the lock; while one runs it, the others wait for what it finds, or for its failure:
// each trying again in its turn, those behind a command that hangs would wait for hours.
class SecretCommand {
 public:
  SecretCommand(std::string command, SecretCommandOptions options)
      : command_(std::move(command)), options_(options) {}

  [[nodiscard]] std::string value() {
    {
      MutexLock lock(mutex_);
      const std::uint64_t failures = failures_;
      while (is_running_) changed_.wait(mutex_);
      if (ran_at_ && steady_clock::now() - *ran_at_ < options_.lifetime) return kept_.value();
      if (failures_ != failures) throw std::runtime_error(failure_);
      is_running_ = true;
    }
    std::string output;
    try {
      output = run_secret_command(command_, options_.time_limit);
    } catch (const std::exception& error) {
      fail(error.what());
      throw;
    }
    strip_line_break(output);
    finish(output);
    return output;
  }

 private:
  void finish(const std::string& output) {
    MutexLock lock(mutex_);
    is_running_ = false;
    kept_.set(std::string(output));
    ran_at_ = steady_clock::now();
    changed_.notify_all();
  }
  void fail(const std::string& reason) {
    MutexLock lock(mutex_);
    is_running_ = false;
    ++failures_;
    failure_ = reason;
    changed_.notify_all();
  }

  const std::string command_;
  const SecretCommandOptions options_;
  base::Mutex mutex_;
  base::CondVar changed_;
  bool is_running_ GUARDED_BY(mutex_) = false;
  std::uint64_t failures_ GUARDED_BY(mutex_) = 0;
  std::string failure_ GUARDED_BY(mutex_);  // the last one's
  std::optional<steady_clock::time_point> ran_at_ GUARDED_BY(mutex_);
  Kept kept_ GUARDED_BY(mutex_);
};

}  // namespace

SecretFunction secret_from_environment(std::string variable) {
  return [variable = std::move(variable)]() -> std::optional<std::string> {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): read only; the program must not change it meanwhile.
    const char* value = std::getenv(variable.c_str());
    if (value == nullptr) {
      throw std::runtime_error("the environment variable " + variable + " is not set");
    }
    return value;
  };
}

SecretFunction secret_from_file(std::string path) {
  // Owned by all copies of the function together.
  return [file = std::make_shared<SecretFile>(std::move(path))]() -> std::optional<std::string> {
    return file->value();
  };
}

SecretFunction secret_from_command(std::string command, SecretCommandOptions options) {
  // Owned by all copies of the function together.
  return
      [run = std::make_shared<SecretCommand>(
           std::move(command), options)]() -> std::optional<std::string> { return run->value(); };
}

}  // namespace patient_http
