#include "drivers/redis/reply_reader.h"

#include <hiredis/read.h>

#include <algorithm>
#include <new>

namespace patient_http::redis {

// hiredis keeps a RedisReply as an opaque object: the root is owned by it until it is handed out,
// an inner one belongs to the array that it is in. Nothing may be thrown through hiredis; it takes
// null for a lack of memory.
struct ReplyReader::Builder {
  static void* place(const redisReadTask* task, RedisReply&& reply) {
    try {
      if (task->parent == nullptr) return std::make_unique<RedisReply>(std::move(reply)).release();
      auto& siblings = static_cast<RedisReply*>(task->parent->obj)->array_;
      // May move the siblings before it: they are complete, and hiredis looks at none of them.
      return &siblings.emplace_back(std::move(reply));
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }

  static void* create_string(const redisReadTask* task, char* text, std::size_t size) {
    const RedisReply::Type type = task->type == REDIS_REPLY_ERROR    ? RedisReply::Type::kError
                                  : task->type == REDIS_REPLY_STATUS ? RedisReply::Type::kStatus
                                                                     : RedisReply::Type::kString;
    try {
      return place(task, RedisReply(type, std::string(text, size)));
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }

  static void* create_array(const redisReadTask* task, int size) {
    // A size is believed up to a point, since memory is taken before the elements come.
    constexpr int kMostReserved = 4096;
    try {
      RedisReply reply{std::vector<RedisReply>()};
      reply.array_.reserve(static_cast<std::size_t>(std::min(size, kMostReserved)));
      return place(task, std::move(reply));
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }

  static void* create_integer(const redisReadTask* task, long long value) {
    return place(task, RedisReply(static_cast<std::int64_t>(value)));
  }
  static void* create_nil(const redisReadTask* task) { return place(task, RedisReply()); }
  static void free_object(void* reply) { delete static_cast<RedisReply*>(reply); }

  static redisReplyObjectFunctions* functions() {
    static redisReplyObjectFunctions functions = {create_string, create_array, create_integer,
                                                  create_nil, free_object};
    return &functions;
  }
};

void ReplyReader::Free::operator()(redisReader* reader) const {
  redisReaderFree(reader);
}

ReplyReader::ReplyReader() : reader_(redisReaderCreateWithFunctions(Builder::functions())) {
  if (!reader_) throw std::bad_alloc();
}
ReplyReader::~ReplyReader() = default;

Result<void> ReplyReader::feed(std::string_view bytes) {
  if (redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK)
    return failure(std::string("the reply cannot be read: ") + reader_->errstr);
  return {};
}

Result<std::optional<RedisReply>> ReplyReader::next() {
  void* reply = nullptr;
  if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK)
    return failure(std::string("the reply cannot be read: ") + reader_->errstr);
  if (reply == nullptr) return std::nullopt;
  const std::unique_ptr<RedisReply> owned(static_cast<RedisReply*>(reply));
  return std::move(*owned);
}

bool ReplyReader::has_bytes() const {
  return reader_->len > reader_->pos;
}

}  // namespace patient_http::redis
