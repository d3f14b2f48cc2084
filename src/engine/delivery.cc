#include "engine/delivery.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <exception>

#include "base/text.h"

namespace patient_http::engine {

namespace {

// Enough for a store to write in one go, and few enough that several threads share a burst.
constexpr std::size_t kLargestBatch = 256;

thread_local bool t_is_delivery_thread = false;

}  // namespace

bool Delivery::is_delivery_thread() {
  return t_is_delivery_thread;
}

Delivery::Delivery(std::size_t threads, Slots& slots, Log log)
    : thread_count_(threads),
      enough_(std::clamp<std::size_t>(slots.capacity() / 10, 1, kLargestBatch)),
      slots_(slots),
      log_(std::move(log)) {}

void Delivery::start() {
  outbox_.reopen();
  for (std::size_t i = 0; i < thread_count_; ++i) threads_.emplace_back([this] { run(); });
}

void Delivery::stop() {
  outbox_.close();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Delivery::push(std::vector<Settlement>&& settlements) {
  // Open as long as a slot is taken: it closes only after the last task was settled.
  static_cast<void>(outbox_.push_all(std::move(settlements)));
}

void Delivery::run() {
  t_is_delivery_thread = true;
  pthread_setname_np(pthread_self(), "ph-delivery");
  for (;;) {
    std::vector<Settlement> batch = outbox_.take(kLargestBatch);
    if (batch.empty()) return;
    const auto begin = std::chrono::steady_clock::now();
    const auto gathering = batch.back().settled.task->handler().gathering_time();
    deliver(std::move(batch));
    // The threads take turns.
    if (gathering > gathering.zero()) outbox_.wait_for(enough_, begin + gathering * thread_count_);
  }
}

void Delivery::deliver(std::vector<Settlement> batch) {
  const std::size_t count = batch.size();
  // Nearly always one handler; tasks of different ones are told apart in order.
  for (std::size_t begin = 0; begin < count;) {
    TaskHandler& handler = batch[begin].settled.task->handler();
    std::vector<SettledTask> for_handler;
    for_handler.reserve(count - begin);
    std::size_t end = begin;
    while (end < count && &batch[end].settled.task->handler() == &handler) {
      for_handler.push_back(std::move(batch[end++].settled));
    }
    begin = end;
    try {
      handler.settle(std::move(for_handler));
    } catch (const std::exception& error) {
      log_.error("a task handler failed, its tasks count as settled: " +
                 std::string(base::what_of(error)));
    } catch (...) {
      log_.error("a task handler failed, its tasks count as settled");
    }
  }
  batch.clear();  // gives the bodies' memory back, before the slots
  slots_.give_back(count);
}

}  // namespace patient_http::engine
