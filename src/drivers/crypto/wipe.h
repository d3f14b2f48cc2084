#pragma once

#include <string>

namespace patient_http::crypto {

// Overwrites all that `bytes` has room for, with a write that the compiler keeps, and leaves it
// empty. What an earlier, smaller room held before the string grew is out of reach: reserve first.
void wipe(std::string& bytes) noexcept;

}  // namespace patient_http::crypto
