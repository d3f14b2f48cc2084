#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace patient_http {

// The two ways in which versions of ActiveSupport differ. The defaults are those of an application
// without Rails' defaults of 7.0 (SHA-256) and 7.1 (JSON).
struct EncryptionFormat {
  enum class Digest { kSha1, kSha256 };
  enum class Serializer { kMarshal, kJson };

  Digest digest = Digest::kSha1;
  Serializer serializer = Serializer::kMarshal;

  bool operator==(const EncryptionFormat&) const = default;
};

// How data in jobs is encrypted: by keys, or by functions of the user's; not both.
struct EncryptionOptions {
  // Passwords. The first encrypts, all decrypt, whatever the format they were used with. None, or
  // only empty ones: nothing is encrypted.
  std::vector<std::string> keys = {};
  // What is written, unless it answers something that came in another format.
  EncryptionFormat format = {};

  // Both or none. They get and give any bytes, and may throw; they are called from several
  // threads at once. What they throw is repeated nowhere, since it may quote the data.
  std::function<std::string(std::string_view)> encrypt = {};
  std::function<std::string(std::string_view)> decrypt = {};
};

}  // namespace patient_http
