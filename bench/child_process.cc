#include "child_process.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <utility>

#include "drivers/net/fd.h"

namespace patient_http::bench {

namespace {

struct Child {
  pid_t pid = -1;
  net::Fd output;
};

// The child's part gets the write end of the pipe, and never returns.
Child fork_child(const std::function<void(int)>& part) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) throw std::runtime_error("pipe failed");
  Child child;
  child.output = net::Fd(ends[0]);
  net::Fd write_end(ends[1]);
  std::fflush(stdout);
  child.pid = fork();
  if (child.pid < 0) throw std::runtime_error("fork failed");
  if (child.pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    child.output.reset();
    part(write_end.get());
    std::_Exit(EXIT_FAILURE);
  }
  return child;
}

Child start(const std::vector<std::string>& command) {
  return fork_child([&](int output) {
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    dup2(output, STDOUT_FILENO);
    ::close(output);
    execvp(arguments[0], arguments.data());
    std::_Exit(127);
  });
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> buffer;
  for (ssize_t got; (got = read(fd, buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return text;
}

std::chrono::duration<double> seconds_of(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

}  // namespace

Ended run_program(const std::vector<std::string>& command) {
  const Child child = start(command);
  Ended ended;
  ended.output = read_all(child.output.get());
  int status = 0;
  rusage used{};
  wait4(child.pid, &status, 0, &used);
  ended.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  ended.cpu = seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
  ended.peak_mb = static_cast<double>(used.ru_maxrss) / 1e3;
  return ended;
}

Companion::Companion(const std::vector<std::string>& command) {
  const Child child = start(command);
  pid_ = child.pid;
  for (char c = 0; read(child.output.get(), &c, 1) == 1 && c != '\n';) first_line_ += c;
  if (first_line_.empty()) {
    waitpid(pid_, nullptr, 0);
    throw std::runtime_error("cannot run " + command.front());
  }
}

Companion::~Companion() {
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
}

std::vector<double> run_apart(const std::function<std::vector<double>()>& work) {
  const Child child = fork_child([&](int output) {
    try {
      const std::vector<double> numbers = work();
      const std::size_t size = numbers.size() * sizeof(double);
      const bool written = write(output, numbers.data(), size) == static_cast<ssize_t>(size);
      std::_Exit(written ? EXIT_SUCCESS : EXIT_FAILURE);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
    }
  });
  const std::string bytes = read_all(child.output.get());
  int status = 0;
  waitpid(child.pid, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS) {
    throw std::runtime_error("a case failed");
  }
  std::vector<double> numbers(bytes.size() / sizeof(double));
  std::copy_n(bytes.data(), numbers.size() * sizeof(double),
              reinterpret_cast<char*>(numbers.data()));
  return numbers;
}

}  // namespace patient_http::bench
