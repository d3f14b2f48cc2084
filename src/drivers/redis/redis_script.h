#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/mutex.h"

namespace patient_http::redis {

// A Lua script, and the SHA1 under which servers keep it, learned when it is first loaded: it
// depends on the text only, so one script serves any number of servers.
//
// Thread safety: any thread.
class RedisScript {
 public:
  // `name` is what messages call it. `text` must outlive this object.
  RedisScript(std::string name, std::string_view text) : name_(std::move(name)), text_(text) {}

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::string_view text() const { return text_; }

  // Empty until it is known.
  [[nodiscard]] std::string sha1() const {
    base::MutexLock lock(mutex_);
    return sha1_;
  }
  void set_sha1(std::string_view sha1) const {
    base::MutexLock lock(mutex_);
    sha1_ = sha1;
  }

 private:
  const std::string name_;
  const std::string_view text_;
  mutable base::Mutex mutex_;
  mutable std::string sha1_ GUARDED_BY(mutex_);
};

}  // namespace patient_http::redis
