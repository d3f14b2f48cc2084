#include "jobs/job_opener.h"

#include <utility>

namespace patient_http::jobs {

using payload::Encryptor;
using payload::PayloadReference;

namespace {

tl::unexpected<UnopenedData> unopened(UnopenedData::What what, std::string reason) {
  return unexpected(UnopenedData{what, std::move(reason)});
}

}  // namespace

Result<OpenedData, UnopenedData> JobOpener::open(Json data) const {
  using What = UnopenedData::What;
  if (!PayloadReference::is_reference(data)) return decrypt(std::move(data));
  const auto reference = PayloadReference::from_json(data);
  if (!reference) return unopened(What::kMalformed, reference.error().message);
  const auto stored = storage_.fetch(*reference);
  if (!stored) return unopened(What::kNotNow, stored.error().message);
  auto json = Json::parse(*stored);
  if (!json) {
    return unopened(What::kMalformed,
                    "the payload " + reference->text() + " is damaged: " + json.error().message);
  }
  return decrypt(std::move(*json));
}

Result<OpenedData, UnopenedData> JobOpener::decrypt(Json data) const {
  using What = UnopenedData::What;
  if (!Encryptor::is_encrypted(data)) return OpenedData{std::move(data), std::nullopt};
  auto decrypted = encryptor_.decrypt(data);
  if (!decrypted) return unopened(What::kNotNow, decrypted.error().message);
  auto json = Json::parse(decrypted->json);
  if (!json) return unopened(What::kMalformed, "decrypted data is no JSON");
  return OpenedData{std::move(*json), decrypted->format};
}

}  // namespace patient_http::jobs
