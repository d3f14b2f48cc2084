#pragma once

// Everything that a program may use, in one include.

#include "patient_http/callback_args.h"
#include "patient_http/error.h"
#include "patient_http/http_headers.h"
#include "patient_http/http_method.h"
#include "patient_http/inline_executor.h"
#include "patient_http/invalid_value.h"
#include "patient_http/json.h"
#include "patient_http/log.h"
#include "patient_http/payload.h"
#include "patient_http/processor.h"
#include "patient_http/processor_observer.h"
#include "patient_http/processor_options.h"
#include "patient_http/request.h"
#include "patient_http/request_task.h"
#include "patient_http/request_template.h"
#include "patient_http/response.h"
#include "patient_http/result.h"
#include "patient_http/secret_reference.h"
#include "patient_http/task_handler.h"
#include "patient_http/timeout.h"
