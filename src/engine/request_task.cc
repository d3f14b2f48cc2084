#include "patient_http/request_task.h"

#include "base/uuid.h"

namespace patient_http {

RequestTask::RequestTask(Request request, TaskHandler& handler, RequestTaskOptions options)
    : request_(std::move(request)), handler_(&handler), options_(std::move(options)) {
  if (options_.id.empty()) options_.id = base::random_uuid();
}

RequestTask::~RequestTask() = default;

}  // namespace patient_http
