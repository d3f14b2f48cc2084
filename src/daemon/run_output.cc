#include "daemon/run_output.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/json_text.h"
#include "base/text.h"

namespace patient_http::daemon {

namespace {

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

void append_error(std::string& out, const Error& error, ErrorKind kind) {
  out += "{\"type\":" + base::json_string(error.error_type()) +
         ",\"kind\":" + base::json_string(to_string(kind)) +
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
    append_error(out, *error, job.error_kind);
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

RunResult<void> RunOutput::open(const std::string& path, std::uint64_t length) {
  const bool is_standard = path == "-";
  path_ = is_standard ? "standard output" : path;
  if (is_standard) {
    fd_ = STDOUT_FILENO;
  } else {
    fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd_ < 0)
      return run_failure(kStateProblem, "cannot open " + path_ + ": " + error_text(errno));
    owns_fd_ = true;
  }
  struct stat info {};
  if (::fstat(fd_, &info) != 0) {
    return run_failure(kStateProblem, "cannot look at " + path_ + ": " + error_text(errno));
  }
  is_file_ = S_ISREG(info.st_mode) && !is_standard;
  if (!is_file_) return {};
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    return run_failure(kStateProblem, "another process writes to " + path_);
  }
  if (static_cast<std::uint64_t>(info.st_size) < length) {
    return run_failure(kStateProblem, path_ + " has " + std::to_string(info.st_size) +
                                          " bytes, and " + std::to_string(length) +
                                          " were written to it: results are missing. Put the "
                                          "file back, or start over with --fresh");
  }
  if (::ftruncate(fd_, static_cast<off_t>(length)) != 0 ||
      ::lseek(fd_, static_cast<off_t>(length), SEEK_SET) < 0) {
    return run_failure(kStateProblem, "cannot write to " + path_ + ": " + error_text(errno));
  }
  length_ = length;
  return {};
}

RunResult<void> RunOutput::append(std::string_view bytes, bool sync) {
  length_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      return run_failure(kStateProblem,
                         "cannot write to " + path_ + ": " + error_text(errno) +
                             "; the results are kept in the state, and the same command "
                             "goes on");
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  if (is_file_ && sync && ::fdatasync(fd_) != 0) {
    return run_failure(kStateProblem, "cannot write to " + path_ + ": " + error_text(errno));
  }
  return {};
}

}  // namespace patient_http::daemon
