#pragma once

#include <optional>
#include <string>

#include "patient_http/encryption.h"
#include "patient_http/json.h"
#include "patient_http/result.h"
#include "payload/encryptor.h"
#include "payload/external_storage.h"

namespace patient_http::jobs {

// Data from a job.
struct OpenedData {
  Json data;
  // In which an answer is to be written; none when the data was not encrypted, or by functions of
  // the user's.
  std::optional<EncryptionFormat> format = std::nullopt;
};

struct UnopenedData {
  enum class What {
    kMalformed,  // no reference or envelope of ours: it never will be
    kNotNow,     // the payload is not there, its store fails, or no key fits: it may be, later
  };
  What what = What::kMalformed;
  std::string reason;
};

// Reads the data of jobs, wherever it is kept and however it is encrypted: the way back from
// JobSealer.
//
// Thread safety: all methods may be called from any thread. They block on the payload stores.
class JobOpener {
 public:
  // Both must outlive this object.
  JobOpener(const payload::ExternalStorage& storage, const payload::Encryptor& encryptor)
      : storage_(storage), encryptor_(encryptor) {}

  // `data` as it stands in the job: itself, a reference, or an envelope.
  [[nodiscard]] Result<OpenedData, UnopenedData> open(Json data) const;
  // The same without references: for what is never kept elsewhere.
  [[nodiscard]] Result<OpenedData, UnopenedData> decrypt(Json data) const;

 private:
  const payload::ExternalStorage& storage_;
  const payload::Encryptor& encryptor_;
};

}  // namespace patient_http::jobs
