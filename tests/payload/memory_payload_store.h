#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "patient_http/payload_store.h"

namespace patient_http::payload {

// A store as a user would write one. What several of them share outlives each.
class MemoryPayloadStore final : public PayloadStore {
 public:
  struct Content {
    base::Mutex mutex;
    std::map<std::string, std::string> entries GUARDED_BY(mutex);
  };

  MemoryPayloadStore() : MemoryPayloadStore(std::make_shared<Content>()) {}
  explicit MemoryPayloadStore(std::shared_ptr<Content> content) : content_(std::move(content)) {}

  Result<void> store(const std::string& key, std::string_view data) override {
    base::MutexLock lock(content_->mutex);
    content_->entries[key] = data;
    return {};
  }
  Result<std::optional<std::string>> fetch(const std::string& key) override {
    base::MutexLock lock(content_->mutex);
    const auto found = content_->entries.find(key);
    if (found == content_->entries.end()) return std::optional<std::string>();
    return std::optional<std::string>(found->second);
  }
  Result<void> remove(const std::string& key) override {
    base::MutexLock lock(content_->mutex);
    content_->entries.erase(key);
    return {};
  }
  Result<bool> exists(const std::string& key) override {
    base::MutexLock lock(content_->mutex);
    return content_->entries.contains(key);
  }

 private:
  std::shared_ptr<Content> content_;  // with the stores that were "reopened" on it
};

}  // namespace patient_http::payload
