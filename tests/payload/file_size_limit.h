#pragma once

#include <signal.h>
#include <sys/resource.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace patient_http::payload {

// While it lives, no file of this process can grow beyond `bytes`: the next best thing to a full
// disk, and needs no rights. Everything else in the process must hold still meanwhile.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    if (::getrlimit(RLIMIT_FSIZE, &before_) != 0) throw_error();
    // Without it the signal would end the process before write() fails.
    handler_before_ = ::signal(SIGXFSZ, SIG_IGN);
    rlimit limited = before_;
    limited.rlim_cur = bytes;
    if (::setrlimit(RLIMIT_FSIZE, &limited) != 0) throw_error();
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_before_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  [[noreturn]] static void throw_error() {
    throw std::system_error(errno, std::generic_category(), "RLIMIT_FSIZE");
  }

  rlimit before_{};
  void (*handler_before_)(int) = SIG_DFL;
};

}  // namespace patient_http::payload
