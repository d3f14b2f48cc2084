#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace patient_http::crypto {

// SHA-256 of bytes that come in pieces.
class Sha256 {
 public:
  // Throws std::runtime_error when OpenSSL does not offer the algorithm.
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void add(std::string_view bytes);
  // The digest of all that was added so far; more may be added.
  [[nodiscard]] std::array<unsigned char, 32> digest() const;
  // The same in 64 lower-case hex digits.
  [[nodiscard]] std::string hex() const;

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

[[nodiscard]] std::array<unsigned char, 32> sha256(std::string_view bytes);
[[nodiscard]] std::string sha256_hex(std::string_view bytes);

}  // namespace patient_http::crypto
