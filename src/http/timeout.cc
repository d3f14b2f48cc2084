#include "patient_http/timeout.h"

#include <cmath>
#include <cstdint>

namespace patient_http {

Json Timeout::to_json() const {
  // From here on a double does not hold every whole number.
  constexpr double kLimit = 9007199254740992.0;
  if (is_whole_ && std::abs(seconds_.count()) < kLimit) {
    return Json(static_cast<std::int64_t>(seconds_.count()));
  }
  return Json(seconds_.count());
}

}  // namespace patient_http
