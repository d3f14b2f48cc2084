#pragma once

#include <sys/types.h>

#include <chrono>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/redis/redis_connection.h"
#include "support/temporary_folder.h"
#include "support/test_certificate.h"

namespace patient_http::test {

struct TestRedisOptions {
  bool keeps_data = false;    // an append-only file, written with every command
  std::string password = {};  // of the default user
  // A further user, who may do everything.
  std::string user = {};
  std::string user_password = {};
  const TestCertificate* tls = nullptr;  // on the port, in place of plain TCP
  std::string memory_limit = {};         // "8mb"; no eviction
  std::vector<std::string> arguments = {};
  bool has_movable_clock = false;  // see move_clock()
};

// A real redis-server on a free port of 127.0.0.1 and on a socket file, in a folder of its own.
// Used by one thread, with whose end the server ends too. Methods throw std::runtime_error when the
// server does not do as asked.
class TestRedis {
 public:
  explicit TestRedis(TestRedisOptions options = {});
  ~TestRedis();  // kills it
  TestRedis(const TestRedis&) = delete;
  TestRedis& operator=(const TestRedis&) = delete;

  // With the password of the default user, if there is one; "rediss://…" with TLS.
  [[nodiscard]] std::string url(int database = 0) const;
  [[nodiscard]] std::string unix_url(int database = 0) const;
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] pid_t pid() const { return pid_; }
  // The path of a file in the server's folder; "socket" is its socket file.
  [[nodiscard]] std::string file(const std::string& name) const { return folder_.file(name); }

  // Runs a command over the socket file.
  redis::RedisReply command(std::initializer_list<std::string_view> words);

  // Ends it in order, which keeps the data with keeps_data.
  void stop();
  // As a crash.
  void kill();
  // Starts it again (after kill(), if it runs) on the same port and folder, and waits until it
  // answers.
  void restart();
  // Keeps it from running; connections stay, and the kernel still accepts new ones.
  void pause();
  void resume();
  // Moves the server's clock, not the one that counts on, to so far before the true time. With
  // has_movable_clock.
  void move_clock(std::chrono::seconds ahead);

 private:
  void start();
  [[nodiscard]] bool has_ended();
  [[nodiscard]] bool wait_until_it_answers();
  [[nodiscard]] std::vector<std::string> arguments() const;
  void signal(int number) const;
  void reap();
  [[nodiscard]] std::string userinfo() const;
  [[nodiscard]] redis::RedisResult<redis::RedisReply> try_command(redis::Words words);

  TestRedisOptions options_;
  TemporaryFolder folder_;
  int port_ = 0;
  pid_t pid_ = -1;
  std::unique_ptr<redis::RedisConnection> connection_;
};

}  // namespace patient_http::test
