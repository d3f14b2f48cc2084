#include "engine/options_check.h"

#include <stdexcept>

namespace patient_http::engine {

void require_valid(const ProcessorOptions& options) {
  std::string message;
  for (const std::string& problem : options.validate()) {
    message += message.empty() ? problem : "; " + problem;
  }
  if (!message.empty()) throw std::invalid_argument(message);
}

net::TlsContext make_tls_context(const ProcessorOptions& options) {
  auto context = net::TlsContext::create(options.ca_file);
  if (!context) throw std::runtime_error(context.error().message);
  return std::move(*context);
}

}  // namespace patient_http::engine
