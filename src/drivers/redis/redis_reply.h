#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace patient_http::redis {

// What a Redis server replied (RESP2), owned. What a reply is not, it gives as 0 or empty.
class RedisReply {
 public:
  enum class Type { kNil, kInteger, kString, kStatus, kError, kArray };

  RedisReply() = default;  // nil
  explicit RedisReply(std::int64_t integer) : type_(Type::kInteger), integer_(integer) {}
  // REQUIRES: kString, kStatus or kError.
  RedisReply(Type type, std::string text) : type_(type), text_(std::move(text)) {}
  explicit RedisReply(std::vector<RedisReply> elements)
      : type_(Type::kArray), array_(std::move(elements)) {}

  [[nodiscard]] Type type() const { return type_; }
  [[nodiscard]] bool is_nil() const { return type_ == Type::kNil; }
  [[nodiscard]] bool is_integer() const { return type_ == Type::kInteger; }
  [[nodiscard]] bool is_string() const { return type_ == Type::kString; }
  [[nodiscard]] bool is_status() const { return type_ == Type::kStatus; }
  [[nodiscard]] bool is_error() const { return type_ == Type::kError; }
  [[nodiscard]] bool is_array() const { return type_ == Type::kArray; }

  [[nodiscard]] std::int64_t integer() const { return integer_; }
  // Of a string, a status or an error.
  [[nodiscard]] std::string_view text() const { return text_; }
  [[nodiscard]] const std::vector<RedisReply>& array() const { return array_; }

  // Moved out, for values that are large.
  [[nodiscard]] std::string take_text() { return std::move(text_); }
  [[nodiscard]] std::vector<RedisReply> take_array() { return std::move(array_); }

 private:
  friend class ReplyReader;

  Type type_ = Type::kNil;
  std::int64_t integer_ = 0;
  std::string text_;
  std::vector<RedisReply> array_;
};

}  // namespace patient_http::redis
