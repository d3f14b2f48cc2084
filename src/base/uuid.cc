#include "base/uuid.h"

#include <pthread.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <span>
#include <system_error>
#include <vector>

namespace patient_http::base {

namespace {

void fill_random(std::span<unsigned char> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = getrandom(bytes.data(), bytes.size(), 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      throw std::system_error(errno, std::generic_category(), "getrandom");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

// Random bytes drawn ahead: a call of the kernel for each of thousands of ids per second is dear.
class RandomBlock {
 public:
  RandomBlock() {
    // A forked child must not hand out its parent's ids again.
    static const int registered = pthread_atfork(nullptr, nullptr, [] { t_block.left_ = 0; });
    static_cast<void>(registered);
  }

  static std::array<unsigned char, 16> take() {
    RandomBlock& block = t_block;
    std::array<unsigned char, 16> bytes;
    if (block.left_ == 0) {
      fill_random(block.bytes_);
      block.left_ = block.bytes_.size();
    }
    block.left_ -= bytes.size();
    std::copy_n(block.bytes_.begin() + static_cast<std::ptrdiff_t>(block.left_), bytes.size(),
                bytes.begin());
    return bytes;
  }

 private:
  static thread_local RandomBlock t_block;

  std::array<unsigned char, 1024> bytes_;
  std::size_t left_ = 0;
};

thread_local RandomBlock RandomBlock::t_block;

void append_hex(std::string& out, unsigned char byte) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

}  // namespace

std::string random_uuid() {
  std::array<unsigned char, 16> bytes = RandomBlock::take();
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  std::string out;
  out.reserve(36);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    append_hex(out, bytes[i]);
  }
  return out;
}

std::string random_hex(std::size_t count) {
  std::vector<unsigned char> bytes(count);
  fill_random(bytes);
  std::string out;
  out.reserve(count * 2);
  for (const unsigned char byte : bytes) append_hex(out, byte);
  return out;
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0)
      return false;
  }
  return true;
}

}  // namespace patient_http::base
