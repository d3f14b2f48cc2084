#pragma once

#include "drivers/net/tls_context.h"
#include "patient_http/processor_options.h"

namespace patient_http::engine {

// Throws std::invalid_argument, with all that is wrong in its message, if an option is out of
// range.
void require_valid(const ProcessorOptions& options);

// Throws std::runtime_error if certificates cannot be read, or a client's key is not its
// certificate's.
[[nodiscard]] net::TlsContext make_tls_context(const ProcessorOptions& options);

}  // namespace patient_http::engine
