#include "engine/observer_feed.h"

#include <pthread.h>

namespace patient_http::engine {

namespace {

ObservedRequest observed(const RequestTask& task) {
  return {task.id(), task.request().method(), task.request().url()};
}

thread_local bool t_is_observer_thread = false;

}  // namespace

bool ObserverFeed::is_observer_thread() {
  return t_is_observer_thread;
}

void ObserverFeed::start() {
  if (observers_.empty()) return;
  events_.reopen();
  post([](ProcessorObserver& observer) { observer.start(); });
  thread_ = std::thread([this] { run(); });
}

void ObserverFeed::stop() {
  if (!thread_.joinable()) return;
  post([](ProcessorObserver& observer) { observer.stop(); });
  events_.close();
  thread_.join();
}

void ObserverFeed::capacity_exceeded() {
  if (observers_.empty()) return;
  post([](ProcessorObserver& observer) { observer.capacity_exceeded(); });
}

void ObserverFeed::request_started(const RequestTask& task) {
  if (observers_.empty()) return;
  post(
      [request = observed(task)](ProcessorObserver& observer) { observer.request_start(request); });
}

void ObserverFeed::request_settled(const Settlement& settlement) {
  if (observers_.empty() || !settlement.was_started) return;
  ObservedRequest request = observed(*settlement.settled.task);
  if (const auto* error = std::get_if<Error>(&settlement.settled.outcome)) {
    post([request, kind = error->kind()](ProcessorObserver& observer) {
      observer.request_error(request, kind);
    });
  }
  post([request = std::move(request), status = settlement.status, duration = settlement.duration](
           ProcessorObserver& observer) { observer.request_end(request, status, duration); });
}

// Refused while stopped, when there is nobody to tell.
void ObserverFeed::post(Event event) {
  static_cast<void>(events_.push(std::move(event)));
}

void ObserverFeed::run() {
  t_is_observer_thread = true;
  pthread_setname_np(pthread_self(), "ph-observer");
  for (;;) {
    const std::vector<Event> events = events_.take(1000);
    if (events.empty()) return;
    for (const Event& event : events) tell(event);
  }
}

void ObserverFeed::tell(const Event& event) const {
  for (ProcessorObserver* observer : observers_) {
    try {
      event(*observer);
    } catch (...) {
      // An observer's trouble is not the requests'.
    }
  }
}

}  // namespace patient_http::engine
