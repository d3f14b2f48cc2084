#include "jobs/job_sealer.h"

#include <utility>

namespace patient_http::jobs {

using payload::PayloadReference;

namespace {

// A key service that is down, and a function that throws, look the same from here: the step is
// repeated. In clear text the data goes nowhere.
StoreFailure encryption_failed(const Failure& failure) {
  return {StoreFailure::Kind::kUnavailable, "encrypt: " + failure.message};
}

}  // namespace

StoreResult<std::vector<SealedData>> JobSealer::seal(std::vector<UnsealedData>& batch) const {
  std::vector<std::string> encrypted;
  if (encryptor_.is_enabled()) {
    encrypted.reserve(batch.size());
    for (const UnsealedData& data : batch) {
      auto json = encryptor_.encrypt(data.json, data.format);
      if (!json) return unexpected(encryption_failed(json.error()));
      encrypted.push_back(std::move(*json));
    }
  }
  const auto json_of = [&](std::size_t i) -> std::string& {
    return encrypted.empty() ? batch[i].json : encrypted[i];
  };
  std::vector<std::optional<PayloadReference>> places(batch.size());
  std::vector<std::string> announced;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (!storage_.is_large(json_of(i))) continue;
    places[i] = storage_.new_reference();
    announced.push_back(places[i]->text());
  }
  if (!announced.empty()) {
    if (auto done = store_.announce_payloads(announced); !done) return unexpected(done.error());
  }
  std::vector<SealedData> sealed;
  sealed.reserve(batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    sealed.push_back({std::move(json_of(i)), std::nullopt});
    if (places[i]) store_elsewhere(sealed.back(), *places[i]);
  }
  return sealed;
}

StoreResult<SealedData> JobSealer::seal(UnsealedData data) const {
  std::vector<UnsealedData> batch;
  batch.push_back(std::move(data));
  auto sealed = seal(batch);
  if (!sealed) return unexpected(std::move(sealed.error()));
  return std::move(sealed->front());
}

StoreResult<SealedData> JobSealer::seal_in_job(UnsealedData data) const {
  if (!encryptor_.is_enabled()) return SealedData{std::move(data.json), std::nullopt};
  auto encrypted = encryptor_.encrypt(data.json, data.format);
  if (!encrypted) return unexpected(encryption_failed(encrypted.error()));
  return SealedData{std::move(*encrypted), std::nullopt};
}

void JobSealer::store_elsewhere(SealedData& data, const PayloadReference& reference) const {
  if (const auto stored = storage_.store(reference, data.json); !stored) {
    log_.warn("a payload of " + std::to_string(data.json.size()) +
              " bytes stays in its job, since it could not be stored: " + stored.error().message);
    return;
  }
  data.json = reference.json();
  data.payload = reference.text();
}

StoreResult<std::string> JobSealer::encrypt(std::string json) const {
  auto encrypted = encryptor_.encrypt(std::move(json));
  if (!encrypted) return unexpected(encryption_failed(encrypted.error()));
  return std::move(*encrypted);
}

}  // namespace patient_http::jobs
