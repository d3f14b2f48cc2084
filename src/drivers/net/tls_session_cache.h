#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/mutex.h"

struct ssl_session_st;

namespace patient_http::net {

struct FreeTlsSession {
  void operator()(ssl_session_st* session) const;
};
using TlsSession = std::unique_ptr<ssl_session_st, FreeTlsSession>;

// TLS sessions that may be resumed, by a key that says with whom and how. Keeps the latest four of
// a key, for an hour at most, so that a certificate is looked at again; and 256 in all, of which
// the least recently used key's go first. A session holds the certificates of its server: some 10
// to 20 KB, 5 MB in all.
//
// Thread safety: all methods may be called from any thread.
class TlsSessionCache {
 public:
  using Clock = std::chrono::steady_clock;

  void put(const std::string& key, TlsSession session, Clock::time_point now = Clock::now());
  // The latest session of `key`, or null. One of TLS 1.3 is no longer in the cache then: who
  // watches the network could tell that two connections are of one client (RFC 8446, C.4).
  [[nodiscard]] TlsSession take(const std::string& key, Clock::time_point now = Clock::now());
  // Forgets those of `key`: a handshake with one of them has failed.
  void drop(const std::string& key);

  [[nodiscard]] std::size_t size() const;

 private:
  struct Kept {
    TlsSession session;
    Clock::time_point until;
  };
  struct Entry {
    std::deque<Kept> sessions;  // the latest last
    std::list<std::string>::iterator use;
  };
  using Entries = std::unordered_map<std::string, Entry>;

  void remove(Entries::iterator entry) REQUIRES(mutex_);

  mutable base::Mutex mutex_;
  Entries entries_ GUARDED_BY(mutex_);
  std::list<std::string> by_use_ GUARDED_BY(mutex_);  // keys, the latest last
  std::size_t size_ GUARDED_BY(mutex_) = 0;
};

}  // namespace patient_http::net
