#pragma once

#include <optional>
#include <string>

#include "drivers/net/address.h"

namespace patient_http::net {

// Says which addresses may be dialled. Called on the loop's thread; must not block.
class AddressGate {
 public:
  virtual ~AddressGate() = default;
  // Why `address`, one of `host`, may not be dialled, port included; nothing when it may.
  [[nodiscard]] virtual std::optional<std::string> refusal(const std::string& host,
                                                           const Address& address) const = 0;
};

}  // namespace patient_http::net
