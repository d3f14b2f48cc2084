#pragma once

#include <optional>
#include <string>
#include <vector>

#include "jobs/job_store.h"
#include "patient_http/encryption.h"
#include "patient_http/log.h"
#include "payload/encryptor.h"
#include "payload/external_storage.h"

namespace patient_http::jobs {

// Data on its way into a job.
struct UnsealedData {
  std::string json;
  // Of what this answers, when that came encrypted.
  std::optional<EncryptionFormat> format = std::nullopt;
};

// What stands in the job for it.
struct SealedData {
  std::string json;
  // For the job store, when the data is in a payload store.
  std::optional<std::string> payload = std::nullopt;
};

// Encrypts what goes into a job, and puts it into a payload store when it is large; JobOpener is
// the way back. Payloads are announced to the job store before they are stored, so that none is
// forgotten.
//
// Thread safety: all methods may be called from any thread. They block on the stores.
class JobSealer {
 public:
  // All but `log` must outlive this object.
  JobSealer(JobStore& store, const payload::ExternalStorage& storage,
            const payload::Encryptor& encryptor, Log log)
      : store_(store), storage_(storage), encryptor_(encryptor), log_(std::move(log)) {}

  // One answer per element. Fails when the job store is down, or encryption fails; then `batch` is
  // as it was, and the call is to be repeated. A payload store that fails is no failure: the data
  // stays in the job, and the log says so.
  [[nodiscard]] StoreResult<std::vector<SealedData>> seal(std::vector<UnsealedData>& batch) const;
  [[nodiscard]] StoreResult<SealedData> seal(UnsealedData data) const;
  // Encrypts, and leaves the data in the job, however large: without the job store.
  [[nodiscard]] StoreResult<SealedData> seal_in_job(UnsealedData data) const;
  [[nodiscard]] bool encrypts() const { return encryptor_.is_enabled(); }
  // Encrypts only: for what is small, and never kept elsewhere.
  [[nodiscard]] StoreResult<std::string> encrypt(std::string json) const;

 private:
  void store_elsewhere(SealedData& data, const payload::PayloadReference& reference) const;

  JobStore& store_;
  const payload::ExternalStorage& storage_;
  const payload::Encryptor& encryptor_;
  const Log log_;
};

}  // namespace patient_http::jobs
