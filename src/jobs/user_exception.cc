#include "jobs/user_exception.h"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <typeinfo>

#include "base/text.h"

namespace patient_http::jobs {

namespace {

std::string name_of(const std::type_info* type) {
  if (type == nullptr) return "unknown exception";
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(type->name(), nullptr, nullptr, &status), &std::free);
  return status == 0 && name ? std::string(name.get()) : std::string(type->name());
}

}  // namespace

JobFailure describe_exception(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& error) {
    return {name_of(&typeid(error)), shortened(std::string(base::what_of(error)))};
  } catch (...) {
    return {name_of(abi::__cxa_current_exception_type()), "threw what is no std::exception"};
  }
}

}  // namespace patient_http::jobs
