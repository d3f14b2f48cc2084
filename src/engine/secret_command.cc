#include "engine/secret_command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <stdexcept>
#include <system_error>

#include "base/clock.h"
#include "drivers/crypto/wipe.h"
#include "drivers/net/fd.h"

extern char** environ;

namespace patient_http::engine {

namespace {

using std::chrono::steady_clock;

constexpr std::int64_t kLongestPoll = 3'600'000;  // milliseconds

[[noreturn]] void fail(const std::string& what, int error) {
  throw std::runtime_error("cannot run the command: " + what + ": " +
                           std::generic_category().message(error));
}

// How the command is started: a process group of its own, so that all of it can be killed, and none
// of the signals that this process blocks or ignores. It reads nothing and writes to `out`.
class Start {
 public:
  explicit Start(int out) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, out, STDOUT_FILENO);
    posix_spawnattr_init(&attributes_);
    sigset_t signals;
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(&attributes_, &signals);
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes_, &signals);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  }
  ~Start() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&actions_);
  }
  Start(const Start&) = delete;
  Start& operator=(const Start&) = delete;

  [[nodiscard]] pid_t run(std::string command) {
    std::string shell = "sh";
    std::string option = "-c";
    const std::array<char*, 4> arguments{shell.data(), option.data(), command.data(), nullptr};
    pid_t process = 0;
    const int error =
        ::posix_spawn(&process, "/bin/sh", &actions_, &attributes_, arguments.data(), environ);
    if (error != 0) fail("/bin/sh", error);
    return process;
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

// A child that is always waited for.
class Child {
 public:
  explicit Child(pid_t process) : process_(process) {}
  ~Child() {
    if (!was_waited_for_) end();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Kills its group.
  void end() {
    ::kill(-process_, SIGKILL);
    static_cast<void>(wait());
  }
  // Its status, or -1 when nobody knows it any more.
  [[nodiscard]] int wait() {
    was_waited_for_ = true;
    int status = 0;
    while (::waitpid(process_, &status, 0) < 0) {
      if (errno != EINTR) return -1;
    }
    return status;
  }

 private:
  const pid_t process_;
  bool was_waited_for_ = false;
};

// The end of what a command writes, with room for all that counts: it never moves.
class Output {
 public:
  explicit Output(int fd) : fd_(fd) { bytes_.reserve(kLargestSecret); }
  ~Output() {
    crypto::wipe(bytes_);
    crypto::wipe(chunk_);
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  // Reads what there is. False when no more will come.
  bool read() {
    for (;;) {
      const ssize_t got = ::read(fd_, chunk_.data(), chunk_.size());
      if (got > 0) {
        const auto size = static_cast<std::size_t>(got);
        bytes_.append(chunk_, 0, std::min(size, kLargestSecret - bytes_.size()));
      } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
        return false;
      } else if (errno == EAGAIN) {
        return true;
      }
    }
  }
  [[nodiscard]] std::string take() { return std::move(bytes_); }

 private:
  const int fd_;
  std::string chunk_ = std::string(4096, '\0');
  std::string bytes_;
};

// Waits for the end of the process, and reads meanwhile. False when the time came first.
bool wait_until_ended(int process, int out, Output& output, steady_clock::time_point deadline) {
  std::array<pollfd, 2> watched{pollfd{process, POLLIN, 0}, pollfd{out, POLLIN, 0}};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
    if (left.count() <= 0) return false;
    const int ready = ::poll(watched.data(), watched.size(),
                             static_cast<int>(std::min<std::int64_t>(left.count(), kLongestPoll)));
    if (ready < 0 && errno != EINTR) fail("poll", errno);
    if (ready <= 0) continue;
    // What has ended has written all that it will; a process that it left behind may hold the pipe.
    const bool has_ended = watched[0].revents != 0;
    if (!output.read()) watched[1].fd = -1;
    if (has_ended) return true;
  }
}

}  // namespace

std::string run_secret_command(const std::string& command, steady_clock::duration time_limit) {
  const auto deadline = base::later<steady_clock>(steady_clock::now(), time_limit);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail("pipe", errno);
  const net::Fd out(ends[0]);
  net::Fd in(ends[1]);
  if (::fcntl(out.get(), F_SETFL, O_NONBLOCK) != 0) fail("pipe", errno);

  const pid_t process = Start(in.get()).run(command);
  Child child(process);
  in.reset();
  // glibc 2.36 declares its pidfd_open() for C only.
  const net::Fd watched(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
  if (!watched) fail("pidfd_open", errno);
  Output output(out.get());
  if (!wait_until_ended(watched.get(), out.get(), output, deadline)) {
    child.end();
    throw std::runtime_error("the command did not end in time, and was killed");
  }
  const int status = child.wait();
  if (status == -1) throw std::runtime_error("nobody knows how the command ended");
  if (WIFSIGNALED(status)) {
    throw std::runtime_error("the command was ended by signal " + std::to_string(WTERMSIG(status)));
  }
  if (WEXITSTATUS(status) != 0) {
    throw std::runtime_error("the command ended with status " +
                             std::to_string(WEXITSTATUS(status)));
  }
  return output.take();
}

}  // namespace patient_http::engine
