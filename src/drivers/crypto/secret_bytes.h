#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "drivers/crypto/wipe.h"

namespace patient_http::crypto {

// Bytes that are overwritten when they are no longer needed: keys, decrypted text. It moves, and is
// never copied.
class SecretBytes {
 public:
  SecretBytes() = default;
  // A short text is copied when it moves: what it moved from is overwritten too.
  explicit SecretBytes(std::string bytes) noexcept : bytes_(std::move(bytes)) { wipe(bytes); }
  ~SecretBytes() { wipe(bytes_); }
  SecretBytes(SecretBytes&& other) noexcept : bytes_(std::move(other.bytes_)) {
    wipe(other.bytes_);
  }
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    bytes_.swap(other.bytes_);
    wipe(other.bytes_);
    return *this;
  }

  [[nodiscard]] std::string_view view() const noexcept { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace patient_http::crypto
