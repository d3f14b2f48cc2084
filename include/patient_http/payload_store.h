#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "patient_http/result.h"

namespace patient_http {

// Where data is kept that is too large for a job. Derive from it to keep it elsewhere.
//
// Keys are UUIDs in lower case, as this library and the Ruby gem write them: whoever calls has
// checked that. Data is JSON text, and is given back byte for byte.
//
// Thread safety: all methods are called from several threads at once, and may block. What they
// throw counts as a failure with that message.
class PayloadStore {
 public:
  virtual ~PayloadStore() = default;

  // Keeps `data` under `key`, in the place of what was there. Durable when it returns: a reader
  // sees all of it, or what was there before.
  [[nodiscard]] virtual Result<void> store(const std::string& key, std::string_view data) = 0;

  // No value when nothing is kept under `key`. A failure means that this could not be found out.
  [[nodiscard]] virtual Result<std::optional<std::string>> fetch(const std::string& key) = 0;

  // Succeeds too when nothing is kept under `key`.
  [[nodiscard]] virtual Result<void> remove(const std::string& key) = 0;

  [[nodiscard]] virtual Result<bool> exists(const std::string& key) = 0;

  // For stores that are shared with the Ruby gem, which removes the payload of a callback that is
  // going to be tried again: whether restore() may bring it back.
  [[nodiscard]] virtual bool keeps_copies() const { return false; }
  // Puts back what somebody else removed under `key`. False when it is there, or there is no copy.
  // remove() removes the copy, too.
  [[nodiscard]] virtual Result<bool> restore(const std::string& /*key*/) { return false; }

  // For stores that wait for long: ends the calls that wait, and later ones, with a failure, until
  // resume(). Called when a stop is to wait no longer; must not block.
  virtual void interrupt() {}
  // Called when the service starts, and no other call is under way.
  virtual void resume() {}
};

}  // namespace patient_http
