#include "service/configuration.h"

namespace patient_http {

std::vector<std::string> Configuration::validate() const {
  std::vector<std::string> problems = processor.validate();
  if (database.empty()) problems.emplace_back("database must name a file");
  if (store_patience.count() < 0) problems.emplace_back("store_patience must be 0 or more");
  return problems;
}

}  // namespace patient_http
