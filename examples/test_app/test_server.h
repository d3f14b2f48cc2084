// A server on 127.0.0.1 for the test application: small, slow where it is asked to be, and HTTP
// only as far as that goes. A thread per connection, and a connection per request.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace test_app {

// What it answers, by path:
//   /slow?seconds=N    200, after that time
//   /fail              500
//   /big?kilobytes=N   200, with a body of that size
//   /redirect          302, to /landed
//   anything else      200, with the request itself as body
class TestServer {
 public:
  // Throws std::system_error when it cannot listen.
  TestServer();
  // Cuts off what is under way.
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  [[nodiscard]] std::string url(const std::string& path) const;

 private:
  void accept_all();
  void serve(int connection);
  [[nodiscard]] std::string answer(const std::string& request);
  // False when the server ends meanwhile.
  bool wait(double seconds);

  int listener_ = -1;
  int port_ = 0;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool is_stopping_ = false;
  std::vector<std::thread> connections_;  // of the acceptor's thread
  std::thread acceptor_;
};

}  // namespace test_app
