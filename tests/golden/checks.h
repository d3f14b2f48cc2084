#pragma once

#include "golden/golden_case.h"

// One function per form of golden file: does what the original did, and notes what differs.
namespace patient_http::golden {

using Check = void (*)(const Case&, Differences&);

void check_request(const Case& recorded, Differences& differences);
// The part about secrets and preprocessors, if one was recorded.
void check_prepared(const Case&, const Request&, Differences&);
void check_request_template(const Case& recorded, Differences& differences);
void check_http_headers(const Case& recorded, Differences& differences);
void check_payload(const Case& recorded, Differences& differences);
void check_payload_decode(const Case& recorded, Differences& differences);
void check_response(const Case& recorded, Differences& differences);
void check_error(const Case& recorded, Differences& differences);
void check_redirect(const Case& recorded, Differences& differences);
void check_request_job(const Case& recorded, Differences& differences);
void check_callback_job(const Case& recorded, Differences& differences);

// Whether what enqueueing refused can be judged here: the others are about Ruby classes.
[[nodiscard]] bool is_judged_enqueue_error(const Json& recorded);
void check_enqueue_error(const Case& recorded, Differences& differences);

}  // namespace patient_http::golden
