#include "support/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "support/checkout.h"

extern char** environ;

namespace patient_http::test {

namespace {

struct Pipe {
  int read = -1;
  int write = -1;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
  return {ends[0], ends[1]};
}

// The signals that a test's own process blocks or ignores must not be passed on.
void set_default_signals(posix_spawnattr_t& attributes) {
  sigset_t all;
  sigfillset(&all);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
}

}  // namespace

Program::Program(const std::string& name, const std::vector<std::string>& arguments,
                 Options options) {
  std::string folder =
      (std::filesystem::temp_directory_path() / "patient-http-program-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("cannot make " + folder);
  folder_ = folder;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  Pipe in;
  Pipe out;
  if (options.pipes_input) {
    in = make_pipe();
    posix_spawn_file_actions_adddup2(&actions, in.read, STDIN_FILENO);
  } else {
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, options.input_file.c_str(), O_RDONLY,
                                     0);
  }
  if (options.pipes_output) {
    out = make_pipe();
    posix_spawn_file_actions_adddup2(&actions, out.write, STDOUT_FILENO);
  } else {
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, (folder_ + "/out").c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
  }
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, (folder_ + "/err").c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  set_default_signals(attributes);

  std::string path = name.starts_with("/") ? name : std::string(PATIENT_HTTP_BUILD_DIR "/") + name;
  std::vector<std::string> words = arguments;
  std::vector<char*> argv = {path.data()};
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::vector<char*> environment;
  for (std::string& entry : options.environment) environment.push_back(entry.data());
  for (char** entry = environ; *entry != nullptr; ++entry) environment.push_back(*entry);
  environment.push_back(nullptr);
  const int code =
      ::posix_spawn(&pid_, path.c_str(), &actions, &attributes, argv.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (in.read >= 0) ::close(in.read);
  if (out.write >= 0) ::close(out.write);
  input_ = in.write;
  piped_output_ = out.read;
  if (code != 0) throw std::runtime_error("cannot start " + path);
}

Program::~Program() {
  if (status_ < 0) {
    signal(SIGKILL);
    wait();
  }
  close_input();
  close_output();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void Program::signal(int number) const {
  ::kill(pid_, number);
}

int Program::wait() {
  if (status_ < 0) {
    int status = 0;
    ::wait4(pid_, &status, 0, &usage_);
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }
  return status_;
}

bool Program::has_ended() {
  if (status_ >= 0) return true;
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == pid_;
}

void Program::write(const std::string& text) const {
  if (::write(input_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw std::runtime_error("cannot write to the program");
  }
}

void Program::close_input() {
  if (input_ >= 0) ::close(std::exchange(input_, -1));
}

void Program::close_output() {
  if (piped_output_ >= 0) ::close(std::exchange(piped_output_, -1));
}

std::string Program::read_line() {
  for (;;) {
    const std::size_t end = unread_.find('\n');
    if (end != std::string::npos) {
      const std::string line = unread_.substr(0, end);
      unread_.erase(0, end + 1);
      return line;
    }
    std::array<char, 4096> bytes;
    const ssize_t got = ::read(piped_output_, bytes.data(), bytes.size());
    if (got <= 0) return std::exchange(unread_, {});
    unread_.append(bytes.data(), static_cast<std::size_t>(got));
  }
}

std::string Program::output() const {
  return read_file(folder_ + "/out");
}
std::string Program::errors() const {
  return read_file(folder_ + "/err");
}

std::size_t Program::peak_memory() const {
  return static_cast<std::size_t>(usage_.ru_maxrss) * 1024;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

bool wait_until(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::poll(nullptr, 0, 1);
  }
  return true;
}

}  // namespace patient_http::test
