#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "patient_http/payload_store.h"
#include "patient_http/result.h"
#include "payload/payload_reference.h"

namespace patient_http::payload {

struct NamedPayloadStore {
  std::string name;
  // Shared with whoever registered it.
  std::shared_ptr<PayloadStore> store;
};

// The payload stores of a process, by name. The last one takes what is new, all can be read.
// Immutable; calls into user's stores are in a try of their own.
//
// Thread safety: all methods may be called from any thread. They block on the stores.
class ExternalStorage {
 public:
  // No stores: nothing is ever kept elsewhere.
  ExternalStorage() = default;
  // Throws std::invalid_argument for a name that is not valid, or twice there. `threshold`: data
  // of more bytes of JSON is kept elsewhere.
  ExternalStorage(std::vector<NamedPayloadStore> stores, std::size_t threshold);

  // Whether `json` belongs into a store.
  [[nodiscard]] bool is_large(std::string_view json) const;
  // A new place in the store that takes what is new. REQUIRES: there is one.
  [[nodiscard]] PayloadReference new_reference() const;

  [[nodiscard]] Result<void> store(const PayloadReference& reference, std::string_view json) const;
  // Fails when there is no such store, when nothing is kept there ("stored payload not found:
  // <store>/<key>"), or when the store fails.
  [[nodiscard]] Result<std::string> fetch(const PayloadReference& reference) const;
  // Succeeds too when nothing is kept there. Fails when there is no such store.
  [[nodiscard]] Result<void> remove(const PayloadReference& reference) const;

  // Whether any store keeps copies of what Ruby removes.
  [[nodiscard]] bool keeps_copies() const;
  // Puts back what was removed elsewhere. False when it is there, when there is no copy, and when
  // there is no such store.
  [[nodiscard]] Result<bool> restore(const PayloadReference& reference) const;

  // Of all stores. What they throw is dropped.
  void interrupt() const;
  void resume() const;

 private:
  template <class Call>
  void for_each_store(Call call) const;
  [[nodiscard]] Result<PayloadStore*> find(const std::string& name) const;

  std::vector<NamedPayloadStore> stores_;
  std::size_t threshold_ = 0;
};

}  // namespace patient_http::payload
