#pragma once

#include <exception>

#include "jobs/retry_schedule.h"

namespace patient_http::jobs {

// What is known of an exception that user code threw: the name of its class, and what it says.
[[nodiscard]] JobFailure describe_exception(const std::exception_ptr& thrown);

}  // namespace patient_http::jobs
