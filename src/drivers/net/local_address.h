#pragma once

#include "drivers/net/ip_address.h"

namespace patient_http::net {

// Whether it is an address of this machine, at this moment. Does not block. When the kernel cannot
// say, it is one.
[[nodiscard]] bool is_local_address(const IpAddress& address);

}  // namespace patient_http::net
