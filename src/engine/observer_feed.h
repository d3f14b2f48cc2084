#pragma once

#include <functional>
#include <thread>
#include <vector>

#include "base/queue.h"
#include "engine/transfer.h"
#include "patient_http/processor_observer.h"

namespace patient_http::engine {

// Tells observers what happens, in order, from a thread of its own: they may block, and the
// threads that report may not. Without observers it costs nothing.
//
// Thread safety: the reporting methods may be called from any thread.
class ObserverFeed {
 public:
  ObserverFeed() = default;
  ~ObserverFeed() { stop(); }
  ObserverFeed(const ObserverFeed&) = delete;
  ObserverFeed& operator=(const ObserverFeed&) = delete;

  // `observer` must outlive this object. Before start() only.
  void add(ProcessorObserver& observer) { observers_.push_back(&observer); }

  // Starts the thread and tells of the start.
  void start();
  // Tells of all that was reported, then of the stop, and ends the thread.
  void stop();

  void capacity_exceeded();
  void request_started(const RequestTask& task);
  void request_settled(const Settlement& settlement);

  // Whether the calling thread calls observers, of any feed.
  [[nodiscard]] static bool is_observer_thread();

 private:
  using Event = std::function<void(ProcessorObserver&)>;

  void post(Event event);
  void tell(const Event& event) const;
  void run();

  std::vector<ProcessorObserver*> observers_;
  base::Queue<Event> events_;
  std::thread thread_;
};

}  // namespace patient_http::engine
