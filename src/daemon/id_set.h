#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace patient_http::daemon {

// A set of ids that only tells whether one was there before. It keeps 16 bytes of each one's
// SHA-256, so that a million ids take about 32 MB, whatever their length.
class IdSet {
 public:
  // False when `id` was inserted before.
  bool insert(std::string_view id);
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  using Key = std::array<std::uint64_t, 2>;

  [[nodiscard]] static std::size_t place_of(const Key& key, const std::vector<Key>& table);
  void grow();

  std::vector<Key> table_;  // open addressing; a key of zeros is an empty place
  std::size_t size_ = 0;
};

}  // namespace patient_http::daemon
