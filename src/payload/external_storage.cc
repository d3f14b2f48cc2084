#include "payload/external_storage.h"

#include <algorithm>
#include <cassert>
#include <exception>
#include <set>
#include <stdexcept>
#include <utility>

#include "base/text.h"

namespace patient_http::payload {

namespace {

tl::unexpected<Failure> store_failure(std::string_view attempt, const PayloadReference& reference,
                                      const std::string& why) {
  return failure("cannot " + std::string(attempt) + " the payload " + reference.text() + ": " +
                 why);
}

// Calls into a user's store: what it throws is a failure like those that it returns.
template <class T, class Step>
Result<T> guarded(std::string_view attempt, const PayloadReference& reference, Step step) {
  try {
    Result<T> result = step();
    if (!result) return store_failure(attempt, reference, result.error().message);
    return result;
  } catch (const std::exception& error) {
    return store_failure(attempt, reference, std::string(base::what_of(error)));
  } catch (...) {
    return store_failure(attempt, reference, "its store threw what is no std::exception");
  }
}

}  // namespace

ExternalStorage::ExternalStorage(std::vector<NamedPayloadStore> stores, std::size_t threshold)
    : stores_(std::move(stores)), threshold_(threshold) {
  std::set<std::string_view> names;
  for (const NamedPayloadStore& each : stores_) {
    if (!PayloadReference::is_valid_store_name(each.name)) {
      throw std::invalid_argument(
          "a payload store must have a name of 1 to 64 letters, digits, '_', '-' and '.' that does "
          "not begin with '.', got '" +
          each.name + "'");
    }
    if (!names.insert(each.name).second) {
      throw std::invalid_argument("two payload stores have the name '" + each.name + "'");
    }
    if (!each.store) {
      throw std::invalid_argument("the payload store '" + each.name + "' is null");
    }
  }
}

bool ExternalStorage::is_large(std::string_view json) const {
  return !stores_.empty() && json.size() > threshold_;
}

PayloadReference ExternalStorage::new_reference() const {
  assert(!stores_.empty());
  return PayloadReference::create(stores_.back().name);
}

Result<void> ExternalStorage::store(const PayloadReference& reference,
                                    std::string_view json) const {
  const Result<PayloadStore*> store = find(reference.store());
  if (!store) return unexpected(store.error());
  return guarded<void>("store", reference, [&] { return (*store)->store(reference.key(), json); });
}

Result<std::string> ExternalStorage::fetch(const PayloadReference& reference) const {
  const Result<PayloadStore*> store = find(reference.store());
  if (!store) return unexpected(store.error());
  Result<std::optional<std::string>> found = guarded<std::optional<std::string>>(
      "fetch", reference, [&] { return (*store)->fetch(reference.key()); });
  if (!found) return unexpected(std::move(found.error()));
  if (!*found) return failure("stored payload not found: " + reference.text());
  return std::move(**found);
}

Result<void> ExternalStorage::remove(const PayloadReference& reference) const {
  const Result<PayloadStore*> store = find(reference.store());
  if (!store) return unexpected(store.error());
  return guarded<void>("remove", reference, [&] { return (*store)->remove(reference.key()); });
}

bool ExternalStorage::keeps_copies() const {
  return std::any_of(stores_.begin(), stores_.end(),
                     [](const NamedPayloadStore& each) { return each.store->keeps_copies(); });
}

Result<bool> ExternalStorage::restore(const PayloadReference& reference) const {
  const Result<PayloadStore*> store = find(reference.store());
  if (!store) return false;
  return guarded<bool>("restore", reference, [&] { return (*store)->restore(reference.key()); });
}

void ExternalStorage::interrupt() const {
  for_each_store([](PayloadStore& store) { store.interrupt(); });
}

void ExternalStorage::resume() const {
  for_each_store([](PayloadStore& store) { store.resume(); });
}

template <class Call>
void ExternalStorage::for_each_store(Call call) const {
  for (const NamedPayloadStore& each : stores_) {
    try {
      call(*each.store);
    } catch (...) {  // a user's: the others are still to be told
    }
  }
}

Result<PayloadStore*> ExternalStorage::find(const std::string& name) const {
  for (const NamedPayloadStore& each : stores_) {
    if (each.name == name) return each.store.get();
  }
  return failure("there is no payload store with the name '" + name + "' here");
}

}  // namespace patient_http::payload
