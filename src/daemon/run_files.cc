#include "daemon/run_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "jobs/sqlite_job_store.h"

namespace patient_http::daemon {

namespace {

namespace fs = std::filesystem;

bool has_content(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0;
}

// The same file by whatever names, be it there or yet to be made.
bool is_same_file(const std::string& a, const std::string& b) {
  std::error_code ignored;
  return fs::equivalent(a, b, ignored) || fs::weakly_canonical(fs::absolute(a), ignored) ==
                                              fs::weakly_canonical(fs::absolute(b), ignored);
}

RunResult<void> require_different_files(const RunOptions& options) {
  const bool has_input_file = !options.reads_standard_input();
  const bool has_output_file = !options.writes_standard_output();
  if (has_input_file && has_output_file && is_same_file(options.input, options.output)) {
    return run_failure(kUsage, options.output + " is the input too; name another output");
  }
  if ((has_input_file && is_same_file(options.state, options.input)) ||
      (has_output_file && is_same_file(options.state, options.output))) {
    return run_failure(kUsage, options.state +
                                   " cannot be the state and the input or output; name "
                                   "another file with --state");
  }
  return {};
}

}  // namespace

std::string resolve_state_path(const RunOptions& options) {
  if (!options.state.empty()) return options.state;
  if (!options.writes_standard_output()) return options.output + ".state";
  if (!options.reads_standard_input()) return options.input + ".state";
  return {};
}

RunResult<void> prepare_files(const RunOptions& options) {
  if (auto different = require_different_files(options); !different) return different;
  std::error_code ignored;
  const bool has_state = fs::exists(options.state, ignored);
  if (!options.fresh) {
    if (!has_state && !options.writes_standard_output() && has_content(options.output)) {
      return run_failure(kUsage,
                         options.output + " has content, and " + options.state +
                             ", which would say how it came about, is not there; name another "
                             "output, or overwrite it with --fresh");
    }
    return {};
  }
  if (has_state) {
    // Opened for itself alone, which also proves that the file is a state.
    const auto store = jobs::SqliteJobStore::open(
        {.path = options.state, .process_prefix = {}, .is_exclusive = true});
    if (!store) {
      return run_failure(kStateProblem, "cannot start over: " + store.error().message);
    }
  }
  if (has_state) remove_state(options.state);
  return {};
}

void remove_state(const std::string& path) {
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(path + suffix, ignored);
}

RunResult<int> open_input(const RunOptions& options) {
  if (options.reads_standard_input()) {
    if (::fcntl(STDIN_FILENO, F_GETFD) < 0) return run_failure(kUsage, "standard input is closed");
    return STDIN_FILENO;
  }
  const int fd = ::open(options.input.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return run_failure(
        kUsage, "cannot read " + options.input + ": " + std::generic_category().message(errno));
  }
  struct stat info {};
  const bool is_known = ::fstat(fd, &info) == 0;
  std::string problem;
  if (is_known && S_ISDIR(info.st_mode)) {
    problem = " is a folder; name a file of requests";
  } else if (is_known && !S_ISREG(info.st_mode) && options.checks_first()) {
    problem = " is no regular file, so it cannot be checked before it is read; use --lenient";
  }
  if (problem.empty()) return fd;
  ::close(fd);
  return run_failure(kUsage, options.input + problem);
}

}  // namespace patient_http::daemon
