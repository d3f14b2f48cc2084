#pragma once

#include "engine/address_policy.h"
#include "patient_http/processor_options.h"
#include "patient_http/request.h"

namespace patient_http::engine {

// The policies of a processor. Immutable: all methods may be called from any thread.
class NetworkPolicies {
 public:
  // REQUIRES: the options are valid.
  explicit NetworkPolicies(const ProcessorOptions& options);
  NetworkPolicies(const NetworkPolicies&) = delete;
  NetworkPolicies& operator=(const NetworkPolicies&) = delete;

  // The one that judges a request; null: it may go anywhere. Requests of one policy may share
  // connections. It lives as long as this object.
  [[nodiscard]] const AddressPolicy* policy_of(const Request& request) const {
    return request.is_untrusted() ? for_untrusted_ : for_trusted_;
  }

 private:
  const AddressPolicy trusted_;
  const AddressPolicy untrusted_;  // and trusted_
  const AddressPolicy* const for_trusted_;
  const AddressPolicy* const for_untrusted_;
};

}  // namespace patient_http::engine
