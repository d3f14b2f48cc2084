#include "payload/memory_payload_store.h"

#include "payload/payload_store_conformance.h"

namespace patient_http::payload {
namespace {

// The suite asks nothing that a user's own store could not do.
class MemoryBacking final : public PayloadBacking {
 public:
  std::unique_ptr<PayloadStore> open() override {
    return std::make_unique<MemoryPayloadStore>(content_);
  }

 private:
  std::shared_ptr<MemoryPayloadStore::Content> content_ =
      std::make_shared<MemoryPayloadStore::Content>();
};

INSTANTIATE_TEST_SUITE_P(Memory, PayloadStoreConformance,
                         testing::Values([] { return std::make_unique<MemoryBacking>(); }));

}  // namespace
}  // namespace patient_http::payload
