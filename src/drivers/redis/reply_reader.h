#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "drivers/redis/redis_reply.h"
#include "patient_http/result.h"

struct redisReader;

namespace patient_http::redis {

// Makes replies out of the bytes of a connection. After a failure it is of no more use.
class ReplyReader {
 public:
  ReplyReader();
  ~ReplyReader();
  ReplyReader(const ReplyReader&) = delete;
  ReplyReader& operator=(const ReplyReader&) = delete;

  [[nodiscard]] Result<void> feed(std::string_view bytes);
  // The next whole reply, if there is one.
  [[nodiscard]] Result<std::optional<RedisReply>> next();
  // Whether there are bytes behind the last reply.
  [[nodiscard]] bool has_bytes() const;

 private:
  struct Free {
    void operator()(redisReader* reader) const;
  };
  // What hiredis calls with the pieces of a reply.
  struct Builder;

  std::unique_ptr<redisReader, Free> reader_;
};

}  // namespace patient_http::redis
