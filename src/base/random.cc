#include "base/random.h"

#include <random>

namespace patient_http::base {

double random_fraction() {
  thread_local std::minstd_rand generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

}  // namespace patient_http::base
