#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "drivers/net/fd.h"
#include "support/test_redis.h"

namespace patient_http::test {

// A TCP proxy on 127.0.0.1 between clients and a TestRedis, with switches. A switch has taken
// effect when its method returns. All methods may be called from any thread.
class RedisProxy {
 public:
  // `server` must outlive the proxy; it may stop and start again.
  explicit RedisProxy(const TestRedis& server);
  ~RedisProxy();
  RedisProxy(const RedisProxy&) = delete;
  RedisProxy& operator=(const RedisProxy&) = delete;

  // The server's url with the proxy's port.
  [[nodiscard]] std::string url(int database = 0) const;

  // Takes back all other switches: from now on bytes go through, those too that freeze() held.
  void pass();
  // Closes all connections, and new ones at once.
  void refuse();
  // Holds all bytes in both directions. New connections are accepted.
  void freeze();
  // Replies reach the client that much later.
  void delay(std::chrono::milliseconds time);
  // Requests go through and are carried out; their replies are thrown away.
  void swallow_replies();
  // Closes all connections there are; new ones work.
  void cut();
  // The next request (not AUTH, SELECT or CLIENT) is carried out, its reply is thrown away, and
  // then its connection is closed. For clients that wait for each reply.
  void swallow_next_reply();

  // Connections that were accepted since the beginning.
  [[nodiscard]] std::size_t accepted() const;

 private:
  enum class Mode { kPass, kRefuse, kFreeze, kSwallow };
  struct Flow;
  struct Link;

  void run();
  void accept_one();
  void serve(Link& link, short client_events, short server_events);
  void look_at_requests(Link& link, const std::string& bytes);
  void take_reply(Link& link, std::string bytes);
  [[nodiscard]] int milliseconds_to_wait() const;
  void set_mode(Mode mode);
  void close_all();
  void wake() const;

  const TestRedis& server_;
  net::Fd listener_;
  net::Fd wake_;
  int port_ = 0;

  // Held by the thread but while it polls.
  mutable std::mutex mutex_;
  Mode mode_ = Mode::kPass;
  std::chrono::milliseconds delay_{0};
  bool swallows_next_ = false;
  bool stopping_ = false;
  std::size_t accepted_ = 0;
  std::size_t generation_ = 0;  // of links_: what was polled before a change is of no use after it
  std::vector<std::unique_ptr<Link>> links_;
  std::thread thread_;
};

}  // namespace patient_http::test
