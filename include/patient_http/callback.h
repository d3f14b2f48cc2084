#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "patient_http/error.h"
#include "patient_http/response.h"

namespace patient_http {

// What becomes of a result. Derive from it, and register the class under a name: a request names
// its callback, since the two may be years, and processes, apart.
//
// An object is made for each result and belongs to one thread. It may block, submit further
// requests and throw: then the callback is tried again later, as Sidekiq does it, with the same
// result. A callback runs at least once; Response::request_id() tells a second run from a second
// request.
class Callback {
 public:
  virtual ~Callback() = default;
  virtual void on_complete(const Response& response) = 0;
  virtual void on_error(const Error& error) = 0;
};

using MakeCallback = std::function<std::unique_ptr<Callback>()>;

// Which callbacks there are, and how they are run.
struct CallbackOptions {
  std::map<std::string, MakeCallback> registered = {};

  // Threads that run callbacks. 0: none, another process does; then any name is taken at
  // submission.
  std::size_t threads = 5;
  // Further tries of a callback that throws, before it goes to the dead set: 25 are about three
  // weeks.
  int retries = 25;
  // How long the dead are kept.
  std::chrono::hours dead_lifetime = std::chrono::hours(24 * 180);

  // Called before each callback's on_complete(), or on_error(), in order. What they throw counts as
  // if the callback had thrown it.
  std::vector<std::function<void(const Response&)>> after_completion = {};
  std::vector<std::function<void(const Error&)>> after_error = {};
  // Called when an error callback has used up its tries, before it goes to the dead set. What it
  // throws is logged.
  std::function<void(const Error&)> on_retries_exhausted = {};

  // Registers a class with a constructor without arguments, in the place of an earlier one.
  template <class T>
  void add(std::string name) {
    registered[std::move(name)] = [] { return std::make_unique<T>(); };
  }
  // Registers a function that makes the object, for those that need something.
  void add(std::string name, MakeCallback make) { registered[std::move(name)] = std::move(make); }
};

}  // namespace patient_http
