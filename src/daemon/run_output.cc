#include "daemon/run_output.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/json_text.h"
#include "base/text.h"
#include "drivers/crypto/sha256.h"

namespace patient_http::daemon {

namespace {

// What is remembered of the end of the file, to know it again.
constexpr std::size_t kTailSize = 1024;
// How each line begins.
constexpr std::string_view kLineStart = "{\"id\":";

std::string error_text(int error) {
  return std::generic_category().message(error);
}

void append_duration(std::string& out, std::optional<Seconds> duration) {
  out += ",\"duration\":";
  out += duration ? base::ruby_float(duration->count()) : "null";
}

void append_response(std::string& out, const Response& response) {
  out += "{\"status\":" + std::to_string(response.status()) + ",\"headers\":";
  response.headers().to_json().dump_to(out);
  if (!response.body()) {
    out += ",\"body\":null";
  } else if (base::is_valid_utf8(*response.body())) {
    out += ",\"body\":";
    base::append_json_string(out, *response.body());
  } else {
    out += ",\"body_base64\":\"" + base::base64_encode(*response.body()) + "\"";
  }
  append_duration(out, response.duration());
  out += ",\"url\":";
  base::append_json_string(out, response.url());
  out += ",\"redirects\":[";
  for (std::size_t i = 0; i < response.redirects().size(); ++i) {
    if (i > 0) out += ',';
    base::append_json_string(out, response.redirects()[i]);
  }
  out += "]}";
}

void append_error(std::string& out, const Error& error) {
  out += "{\"type\":" + base::json_string(error.error_type()) +
         ",\"kind\":" + base::json_string(to_string(error.kind())) +
         ",\"class\":" + base::json_string(error.class_name()) + ",\"message\":";
  base::append_json_string(out, base::to_valid_utf8(error.message()));
  append_duration(out, error.duration());
  out += ",\"url\":";
  base::append_json_string(out, error.url());
  if (const HttpError* http = error.if_http_error()) {
    out += ",\"response\":";
    append_response(out, http->response());
  }
  out += '}';
}

}  // namespace

std::string run_output_line(const jobs::CallbackJob& job) {
  const auto* error = std::get_if<Error>(&job.outcome);
  const auto* response = std::get_if<Response>(&job.outcome);
  std::string out = "{\"id\":";
  job.reference.dump_to(out);
  out += ",\"request_id\":";
  base::append_json_string(out, error != nullptr ? error->request_id() : response->request_id());
  out += error != nullptr ? ",\"error\":" : ",\"response\":";
  if (error != nullptr) {
    append_error(out, *error);
  } else {
    append_response(out, *response);
  }
  out += ",\"callback_args\":";
  (error != nullptr ? error->callback_args() : response->callback_args()).to_json().dump_to(out);
  return out + "}\n";
}

RunOutput::~RunOutput() {
  if (owns_fd_) ::close(fd_);
}

RunResult<void> RunOutput::open(const std::string& path, const Position& position) {
  const bool is_standard = path == "-";
  path_ = is_standard ? "standard output" : path;
  if (is_standard) {
    fd_ = STDOUT_FILENO;
  } else {
    // A file is opened for reading too: its end tells whether it is ours. A pipe must not be: we
    // would be its reader, and never notice that there is no other.
    struct stat there {};
    const bool is_special = ::stat(path.c_str(), &there) == 0 && !S_ISREG(there.st_mode);
    const int mode = is_special ? O_WRONLY : O_RDWR | O_CREAT;
    fd_ = ::open(path.c_str(), mode | O_CLOEXEC, 0644);
    if (fd_ < 0)
      return run_failure(kStateProblem, "cannot open " + path_ + ": " + error_text(errno));
    owns_fd_ = true;
  }
  struct stat info {};
  if (::fstat(fd_, &info) != 0) {
    return run_failure(kStateProblem, "cannot look at " + path_ + ": " + error_text(errno));
  }
  is_file_ = S_ISREG(info.st_mode);
  if (!is_file_) return {};
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    return run_failure(kStateProblem, "another process writes to " + path_);
  }
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (is_standard && position.is_new) {
    // The shell opened it; with >> what is there is somebody's.
    length_ = size;
    return {};
  }
  if (!position.is_fresh) {
    if (auto checked = check_file(position, size); !checked) return checked;
  }
  return cut(position.length);
}

RunResult<void> RunOutput::check_file(const Position& position, std::uint64_t size) {
  if (size < position.length) {
    return run_failure(
        kStateProblem,
        path_ + " has " + std::to_string(size) + " bytes, and " + std::to_string(position.length) +
            " were written to it: results are missing. Put the file back, or start over with "
            "--fresh" +
            (fd_ == STDOUT_FILENO ? "; with > the shell empties the file, use --output" : ""));
  }
  const std::size_t tail_size = std::min<std::uint64_t>(position.length, kTailSize);
  const std::string tail = read_at(position.length - tail_size, tail_size);
  knows_tail_ = tail.size() == tail_size;  // a shell's standard output cannot be read
  tail_ = tail;
  const std::string behind = read_at(position.length, kLineStart.size());
  const bool is_ours =
      position.tail_sha256.empty() || !knows_tail_ || tail_sha256() == position.tail_sha256;
  if (!is_ours || !kLineStart.starts_with(behind)) {
    return run_failure(kStateProblem, path_ +
                                          " is not the file that the results were written to, or "
                                          "something else was added to it; put that file back, or "
                                          "start over with --fresh");
  }
  return {};
}

RunResult<void> RunOutput::cut(std::uint64_t length) {
  if (::ftruncate(fd_, static_cast<off_t>(length)) != 0 ||
      ::lseek(fd_, static_cast<off_t>(length), SEEK_SET) < 0) {
    return run_failure(kStateProblem, "cannot write to " + path_ + ": " + error_text(errno));
  }
  length_ = length;
  knows_tail_ = knows_tail_ || length == 0;
  return {};
}

std::string RunOutput::read_at(std::uint64_t offset, std::size_t size) const {
  std::string bytes(size, '\0');
  const ssize_t got = ::pread(fd_, bytes.data(), size, static_cast<off_t>(offset));
  bytes.resize(static_cast<std::size_t>(got > 0 ? got : 0));
  return bytes;
}

std::string RunOutput::tail_sha256() const {
  return knows_tail_ ? crypto::sha256_hex(tail_) : std::string();
}

RunResult<void> RunOutput::append(std::string_view bytes, bool sync) {
  std::string_view rest = bytes;
  int error = 0;
  while (!rest.empty() && error == 0) {
    const ssize_t written = ::write(fd_, rest.data(), rest.size());
    if (written >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd poller{fd_, POLLOUT, 0};
      ::poll(&poller, 1, 1000);
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  if (error == 0 && is_file_ && sync && ::fdatasync(fd_) != 0) error = errno;
  if (error != 0) {
    if (is_file_) static_cast<void>(cut(length_));
    return run_failure(kStateProblem,
                       "cannot write to " + path_ + ": " + error_text(error) +
                           "; results are kept in the state, and the same command goes on");
  }
  length_ += bytes.size();
  tail_.append(bytes.substr(bytes.size() - std::min(bytes.size(), kTailSize)));
  tail_.erase(0, tail_.size() - std::min(tail_.size(), kTailSize));
  return {};
}

}  // namespace patient_http::daemon
