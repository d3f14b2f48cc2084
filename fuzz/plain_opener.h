#pragma once

#include "jobs/job_opener.h"

namespace patient_http::fuzz {

// Opens data that stands in its job in clear: there is no store, and no key.
inline const jobs::JobOpener& plain_opener() {
  static const payload::ExternalStorage storage;
  static const payload::Encryptor encryptor;
  static const jobs::JobOpener opener(storage, encryptor);
  return opener;
}

}  // namespace patient_http::fuzz
