#pragma once

#include <string>

#include "engine/prepared_request.h"
#include "patient_http/error.h"
#include "patient_http/request.h"
#include "patient_http/result.h"

namespace patient_http::engine {

// Why a request cannot be sent.
struct UnpreparedRequest {
  ErrorKind kind = ErrorKind::kInvalidRequest;
  std::string message;
};

// Turns a stored request into one that can be sent: fills in what is resolved late, and the
// headers that every request has. Immutable; belongs to no thread.
class RequestPreparer {
 public:
  explicit RequestPreparer(std::string user_agent) : user_agent_(std::move(user_agent)) {}

  // `hop_id` becomes x-request-id: the task's id, and "<id>/<n>" for its n-th hop.
  [[nodiscard]] Result<PreparedRequest, UnpreparedRequest> prepare(const Request& request,
                                                                   const std::string& hop_id) const;

 private:
  std::string user_agent_;
};

}  // namespace patient_http::engine
