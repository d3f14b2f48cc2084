#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "drivers/codec/decoder.h"
#include "engine/body_budget.h"
#include "patient_http/result.h"

namespace patient_http::engine {

// Collects a response's body as it comes in: decompresses it, keeps both its sizes, on the wire
// and after decompression, within a limit, and charges the budget of the process with it. The
// decoder's own memory is not charged: see codec::Decoder.
class BodySink {
 public:
  enum class Problem { kTooLarge, kUndecodable };
  struct Failed {
    Problem problem;
    std::string message;
  };

  BodySink(std::size_t limit, BodyBudget& budget) : limit_(limit), charge_(budget) {}

  // Before the body: what its headers say. Encodings that we do not undo leave the body as it
  // is. `content_length` is negative when unknown. Gives whether the body will be decompressed.
  [[nodiscard]] Result<bool, Failed> begin(std::string_view content_encoding,
                                           std::int64_t content_length);
  [[nodiscard]] Result<void, Failed> append(std::string_view bytes);
  // After the body. Fails when the compressed data is not complete.
  [[nodiscard]] Result<void, Failed> end();

  [[nodiscard]] std::size_t wire_bytes() const { return wire_bytes_; }
  [[nodiscard]] bool has_bytes() const { return !body_.empty(); }

  // The body; no value when it is empty. The charge goes with it.
  [[nodiscard]] std::optional<std::string> take_body();
  [[nodiscard]] BodyCharge take_charge() { return std::move(charge_); }

 private:
  [[nodiscard]] Failed too_large() const;
  [[nodiscard]] Result<void, Failed> decode(std::string_view bytes);

  std::size_t limit_;
  std::size_t wire_bytes_ = 0;
  std::string body_;
  std::unique_ptr<codec::Decoder> decoder_;  // null where there is nothing to decode
  BodyCharge charge_;
};

}  // namespace patient_http::engine
