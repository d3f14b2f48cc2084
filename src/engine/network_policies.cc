#include "engine/network_policies.h"

namespace patient_http::engine {

NetworkPolicies::NetworkPolicies(const ProcessorOptions& options)
    : trusted_(options.network_policy, "network_policy"),
      untrusted_(options.untrusted_network_policy, "untrusted_network_policy", &trusted_),
      for_trusted_(trusted_.allows_all() ? nullptr : &trusted_),
      for_untrusted_(untrusted_.allows_all() ? nullptr : &untrusted_) {}

}  // namespace patient_http::engine
