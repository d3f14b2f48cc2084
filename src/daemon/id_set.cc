#include "daemon/id_set.h"

#include <cstring>

#include "drivers/crypto/sha256.h"

namespace patient_http::daemon {

namespace {

constexpr std::size_t kFirstSize = 1024;

}  // namespace

bool IdSet::insert(std::string_view id) {
  if (2 * (size_ + 1) > table_.size()) grow();
  const auto digest = crypto::sha256(id);
  Key key{};
  std::memcpy(key.data(), digest.data(), sizeof key);
  if (key == Key{}) key[0] = 1;
  Key& place = table_[place_of(key, table_)];
  if (place == key) return false;
  place = key;
  ++size_;
  return true;
}

std::size_t IdSet::place_of(const Key& key, const std::vector<Key>& table) {
  std::size_t place = key[0] & (table.size() - 1);
  while (table[place] != Key{} && table[place] != key) place = (place + 1) & (table.size() - 1);
  return place;
}

void IdSet::grow() {
  std::vector<Key> larger(table_.empty() ? kFirstSize : table_.size() * 2);
  for (const Key& key : table_) {
    if (key != Key{}) larger[place_of(key, larger)] = key;
  }
  table_.swap(larger);
}

}  // namespace patient_http::daemon
