#pragma once

#include <thread>
#include <vector>

#include "base/queue.h"
#include "engine/slots.h"
#include "engine/transfer.h"
#include "patient_http/log.h"

namespace patient_http::engine {

// The outbox: threads that give settled tasks to their handlers, which may block. A task's slot is
// free again, and its body's memory, when its handler has returned.
//
// Thread safety: push() may be called from any thread, start() and stop() from one.
class Delivery {
 public:
  // Both must outlive this object.
  Delivery(std::size_t threads, Slots& slots, Log log);
  ~Delivery() { stop(); }
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  void start();
  // Delivers what is there and ends the threads.
  void stop();

  // Moves them out of `settlements`.
  void push(std::vector<Settlement>&& settlements);

  // Whether the calling thread is one of these, of any Delivery.
  [[nodiscard]] static bool is_delivery_thread();

 private:
  void run();
  void deliver(std::vector<Settlement> batch);

  const std::size_t thread_count_;
  const std::size_t enough_;  // outcomes for a batch that need not wait for more
  Slots& slots_;
  const Log log_;
  base::Queue<Settlement> outbox_;
  std::vector<std::thread> threads_;
};

}  // namespace patient_http::engine
