#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "patient_http/encryption.h"
#include "patient_http/json.h"
#include "patient_http/result.h"

namespace patient_http::payload {

// What came out of an envelope.
struct Decrypted {
  std::string json;
  // In which an answer should be written; none when functions of the user's decrypted it.
  std::optional<EncryptionFormat> format;
};

// Encrypts and decrypts JSON as ActiveSupport's MessageEncryptor does for the gem: the envelope is
// `{"__encrypted__":true,"value":"<base64>"}` (docs/protocol.md). Keys are derived once, in the
// constructor, and wiped in the destructor.
//
// Thread safety: all methods may be called from any thread.
class Encryptor {
 public:
  // Encrypts nothing, decrypts nothing.
  Encryptor();
  // Throws std::invalid_argument when `options` has keys and functions, or one function only.
  explicit Encryptor(const EncryptionOptions& options);
  ~Encryptor();
  Encryptor(Encryptor&&) noexcept;
  Encryptor& operator=(Encryptor&&) noexcept;

  [[nodiscard]] bool is_enabled() const;

  // Whether `json` is an envelope; it may still be malformed. What is none passes through.
  [[nodiscard]] static bool is_encrypted(const Json& json);

  // The envelope of a JSON text, as JSON text; the text itself when nothing is encrypted here.
  // `format`: of what this answers; without it, as configured. Fails when the user's function does.
  [[nodiscard]] Result<std::string> encrypt(std::string json,
                                            std::optional<EncryptionFormat> format = {}) const;

  // Fails, naming no content: no key is set up here, none of the keys fits or the data was changed
  // (both look the same), or it is no envelope that we know.
  [[nodiscard]] Result<Decrypted> decrypt(const Json& envelope) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace patient_http::payload
