#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "patient_http/preprocessors.h"

namespace patient_http::engine {

// What the copies of a Preprocessors share.
//
// Thread safety: all methods may be called from any thread.
class PreprocessorRegistry {
 public:
  void add(std::string name, std::shared_ptr<const Preprocessor> preprocessor);
  // Null when there is none. The second owner is the request that is being prepared.
  [[nodiscard]] std::shared_ptr<const Preprocessor> find(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  mutable base::Mutex mutex_;
  std::map<std::string, std::shared_ptr<const Preprocessor>, std::less<>> preprocessors_
      GUARDED_BY(mutex_);
};

}  // namespace patient_http::engine
