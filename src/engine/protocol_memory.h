#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/url.h"

namespace patient_http::engine {

struct OriginHash {
  std::size_t operator()(const base::Origin& origin) const;
};

// What a server was found to speak.
struct SpokenProtocol {
  bool is_http2 = false;
  // It chose HTTP/2 in the handshake, and then asked for HTTP/1.1: HTTP/2 is not offered any more.
  bool is_http2_unwanted = false;
  // How many streams it takes on a connection, if it said so.
  std::optional<std::size_t> stream_limit = std::nullopt;
};

// Remembers what the origins speak that were used last. It is a guess: who uses it must do well
// when it is wrong. Used by one thread.
class ProtocolMemory {
 public:
  explicit ProtocolMemory(std::size_t most) : most_(most) {}

  [[nodiscard]] std::optional<SpokenProtocol> find(const base::Origin& origin);
  void remember(const base::Origin& origin, SpokenProtocol spoken);

 private:
  using Entries = std::list<std::pair<base::Origin, SpokenProtocol>>;

  std::size_t most_;
  Entries entries_;  // the latest first
  std::unordered_map<base::Origin, Entries::iterator, OriginHash> places_;
};

}  // namespace patient_http::engine
