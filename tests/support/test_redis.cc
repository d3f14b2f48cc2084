#include "support/test_redis.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>
#include <utility>

#include "drivers/net/fd.h"
#include "support/checkout.h"
#include "support/loopback_port.h"
#include "support/program.h"

namespace patient_http::test {

namespace {

// In the child, where only what is safe in a signal handler may be called.
[[noreturn]] void run_server(const std::vector<char*>& argv, const std::string& output) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that crashes leaves no server behind
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  const int in = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int out = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  ::execvp(argv.front(), argv.data());
  constexpr int kNotFound = 127;
  ::_exit(kNotFound);
}

}  // namespace

TestRedis::TestRedis(TestRedisOptions options) : options_(std::move(options)) {
  if (options_.has_movable_clock) move_clock(std::chrono::seconds(0));
  constexpr int kAttempts = 10;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    port_ = free_port();
    start();
    // Ends at once when somebody took the port meanwhile.
    if (wait_until_it_answers()) return;
    reap();
  }
  throw std::runtime_error("redis-server does not start: " + read_file(folder_.file("log")) +
                           read_file(folder_.file("out")));
}

TestRedis::~TestRedis() {
  if (pid_ < 0) return;
  signal(SIGKILL);
  reap();
}

std::vector<std::string> TestRedis::arguments() const {
  const std::string port = std::to_string(port_);
  std::vector<std::string> words;
  if (options_.has_movable_clock) {
    words = {"env", "LD_PRELOAD=" PATIENT_HTTP_BUILD_DIR "/movable_clock.so",
             "MOVABLE_CLOCK=" + file("clock")};
  }
  const auto add = [&words](std::initializer_list<std::string> more) {
    words.insert(words.end(), more);
  };
  add({"redis-server", "--bind", "127.0.0.1", "--dir", folder_.path().string(), "--logfile", "log",
       "--unixsocket", folder_.file("socket"), "--save", "", "--appendonly",
       options_.keeps_data ? "yes" : "no", "--appendfsync", "always", "--daemonize", "no",
       "--enable-debug-command", "local"});
  if (options_.tls != nullptr) {
    add({"--port", "0", "--tls-port", port, "--tls-cert-file", options_.tls->certificate_file,
         "--tls-key-file", options_.tls->key_file, "--tls-ca-cert-file", options_.tls->ca_file,
         "--tls-auth-clients", "no"});
  } else {
    add({"--port", port});
  }
  if (!options_.password.empty()) add({"--requirepass", options_.password});
  if (!options_.user.empty())
    add({"--user", options_.user, "on", ">" + options_.user_password, "~*", "&*", "+@all"});
  if (!options_.memory_limit.empty())
    add({"--maxmemory", options_.memory_limit, "--maxmemory-policy", "noeviction"});
  words.insert(words.end(), options_.arguments.begin(), options_.arguments.end());
  return words;
}

void TestRedis::move_clock(std::chrono::seconds ahead) {
  // Written in place, since the server has mapped the file.
  const std::int64_t seconds = ahead.count();
  const net::Fd clock(::open(file("clock").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (::pwrite(clock.get(), &seconds, sizeof seconds, 0) != sizeof seconds)
    throw std::runtime_error("cannot write " + file("clock"));
}

void TestRedis::start() {
  std::vector<std::string> words = arguments();
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::string output = folder_.file("out");
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("cannot fork");
  if (pid_ == 0) run_server(argv, output);
}

// False when it ended instead.
bool TestRedis::wait_until_it_answers() {
  connection_.reset();
  bool ended = false;
  const bool settled = wait_until([&] {
    ended = has_ended();
    const std::string_view ping = "PING";
    return ended || try_command({&ping, 1}).has_value();
  });
  return settled && !ended;
}

bool TestRedis::has_ended() {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == pid_;
}

std::string TestRedis::userinfo() const {
  return options_.password.empty() ? "" : ":" + options_.password + "@";
}

std::string TestRedis::url(int database) const {
  return std::string(options_.tls != nullptr ? "rediss://" : "redis://") + userinfo() +
         "127.0.0.1:" + std::to_string(port_) + "/" + std::to_string(database);
}

std::string TestRedis::unix_url(int database) const {
  return "unix://" + userinfo() + folder_.file("socket") + "?db=" + std::to_string(database);
}

redis::RedisResult<redis::RedisReply> TestRedis::try_command(redis::Words words) {
  if (!connection_ || !connection_->check_idle()) {
    redis::RedisConnectionOptions options;
    options.address.unix_path = folder_.file("socket");
    options.address.password = options_.password;
    options.time_limit = std::chrono::seconds(30);
    options.client_name = "test";
    auto opened = redis::RedisConnection::open(options);
    if (!opened) return unexpected(std::move(opened.error()));
    connection_ = std::move(*opened);
  }
  return connection_->call(words);
}

redis::RedisReply TestRedis::command(std::initializer_list<std::string_view> words) {
  auto reply = try_command({words.begin(), words.size()});
  if (!reply) throw std::runtime_error(reply.error().message);
  return std::move(*reply);
}

void TestRedis::signal(int number) const {
  if (pid_ < 0) throw std::runtime_error("redis-server does not run");
  ::kill(pid_, number);
}

void TestRedis::reap() {
  int status = 0;
  ::waitpid(std::exchange(pid_, -1), &status, 0);
  connection_.reset();
}

void TestRedis::stop() {
  signal(SIGTERM);
  reap();
}

void TestRedis::kill() {
  signal(SIGKILL);
  reap();
}

void TestRedis::restart() {
  if (pid_ >= 0) kill();
  std::error_code ignored;
  std::filesystem::remove(folder_.file("socket"), ignored);
  start();
  if (!wait_until_it_answers()) {
    reap();
    throw std::runtime_error("redis-server does not start again: " +
                             read_file(folder_.file("log")));
  }
}

void TestRedis::pause() {
  signal(SIGSTOP);
  // It has stopped only when the kernel says so.
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED);
}

void TestRedis::resume() {
  signal(SIGCONT);
}

}  // namespace patient_http::test
