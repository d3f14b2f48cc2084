#pragma once

#include "patient_http/error.h"
#include "patient_http/request_task.h"
#include "patient_http/response.h"

namespace patient_http {

// What an observer is told of a task.
struct ObservedRequest {
  std::string id;
  HttpMethod method = HttpMethod::kGet;
  std::string url;
};

// Watches a processor: statistics, metrics. Starts and ends balance: each request_start() is
// followed by one request_end(), with a request_error() before it when it ended in an error.
// Interrupted tasks end too.
//
// Thread safety: called from one thread of its own, in the order of the events, some time after
// they happened. It may block and may call the processor, except stop(). Exceptions are swallowed.
class ProcessorObserver {
 public:
  virtual ~ProcessorObserver() = default;

  virtual void start() {}
  virtual void stop() {}
  // enqueue() refused a task for want of room.
  virtual void capacity_exceeded() {}
  virtual void request_start(const ObservedRequest&) {}
  // `status` is 0 when there was no response.
  virtual void request_end(const ObservedRequest&, int /*status*/, Seconds /*duration*/) {}
  virtual void request_error(const ObservedRequest&, ErrorKind) {}
};

}  // namespace patient_http
