#include "patient_http/task_handler.h"

#include <exception>

namespace patient_http {

namespace {

void settle_one(TaskHandler& handler, SettledTask settled) {
  if (auto* response = std::get_if<Response>(&settled.outcome)) {
    handler.on_complete(std::move(settled.task), std::move(*response));
  } else if (auto* error = std::get_if<Error>(&settled.outcome)) {
    handler.on_error(std::move(settled.task), std::move(*error));
  } else {
    handler.retry(std::move(settled.task));
  }
}

}  // namespace

void TaskHandler::settle(std::vector<SettledTask> batch) {
  std::exception_ptr first;
  for (SettledTask& settled : batch) {
    try {
      settle_one(*this, std::move(settled));
    } catch (...) {
      if (!first) first = std::current_exception();
    }
  }
  // One is as good as all of them for the log; the others had their turn.
  if (first) std::rethrow_exception(first);
}

}  // namespace patient_http
