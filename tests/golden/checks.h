#pragma once

#include <string>

#include "drivers/crypto/secret_bytes.h"
#include "golden/golden_case.h"
#include "payload/encryptor.h"

// One function per form of golden file: does what the original did, and notes what differs.
namespace patient_http::golden {

using Check = void (*)(const Case&, Differences&);

void check_request(const Case& recorded, Differences& differences);
void check_request_template(const Case& recorded, Differences& differences);
void check_http_headers(const Case& recorded, Differences& differences);
void check_payload(const Case& recorded, Differences& differences);
void check_payload_decode(const Case& recorded, Differences& differences);
void check_response(const Case& recorded, Differences& differences);
void check_error(const Case& recorded, Differences& differences);
void check_redirect(const Case& recorded, Differences& differences);
void check_request_job(const Case& recorded, Differences& differences);
void check_callback_job(const Case& recorded, Differences& differences);

// The cases of one version of ActiveSupport, under its keys.
class EncryptorCheck {
 public:
  // `group` has the version's keys. Must outlive the object.
  explicit EncryptorCheck(const Json& group);

  void operator()(const Case& recorded, Differences& differences) const;

 private:
  void check_keys(Differences& differences) const;
  // The recorded message made again, byte for byte, under its iv; its envelope.
  [[nodiscard]] Json make_again(const Case& recorded, const std::string& text,
                                EncryptionFormat format, Differences& differences) const;
  void check_decrypting(const Json& envelope, const std::string& text, EncryptionFormat format,
                        Differences& differences) const;

  const Json& group_;
  const EncryptionFormat::Digest digest_;
  const crypto::SecretBytes key_;
  const crypto::SecretBytes old_key_;
  const payload::Encryptor newest_;
  const payload::Encryptor rotated_;
  const payload::Encryptor stranger_;
};

// Whether what enqueueing refused can be judged here: the others are about Ruby classes.
[[nodiscard]] bool is_judged_enqueue_error(const Json& recorded);
void check_enqueue_error(const Case& recorded, Differences& differences);

}  // namespace patient_http::golden
