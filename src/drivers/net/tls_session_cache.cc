#include "drivers/net/tls_session_cache.h"

#include <openssl/ssl.h>

namespace patient_http::net {

namespace {

constexpr std::size_t kMostOfAKey = 4;
constexpr std::size_t kMostSessions = 256;
constexpr std::chrono::hours kLongestLife{1};

}  // namespace

void FreeTlsSession::operator()(ssl_session_st* session) const {
  SSL_SESSION_free(session);
}

void TlsSessionCache::put(const std::string& key, TlsSession session, Clock::time_point now) {
  const base::MutexLock lock(mutex_);
  auto it = entries_.find(key);
  if (it == entries_.end()) {
    it = entries_.emplace(key, Entry{{}, by_use_.insert(by_use_.end(), key)}).first;
  }
  by_use_.splice(by_use_.end(), by_use_, it->second.use);
  auto& sessions = it->second.sessions;
  sessions.push_back({std::move(session), now + kLongestLife});
  ++size_;
  if (sessions.size() > kMostOfAKey) {
    sessions.pop_front();
    --size_;
  }
  while (size_ > kMostSessions) remove(entries_.find(by_use_.front()));
}

TlsSession TlsSessionCache::take(const std::string& key, Clock::time_point now) {
  const base::MutexLock lock(mutex_);
  const auto it = entries_.find(key);
  if (it == entries_.end()) return nullptr;
  Kept& latest = it->second.sessions.back();
  if (latest.until <= now || SSL_SESSION_is_resumable(latest.session.get()) != 1) {
    remove(it);  // those before it are older
    return nullptr;
  }
  by_use_.splice(by_use_.end(), by_use_, it->second.use);
  if (SSL_SESSION_get_protocol_version(latest.session.get()) < TLS1_3_VERSION) {
    SSL_SESSION_up_ref(latest.session.get());
    return TlsSession(latest.session.get());
  }
  TlsSession session = std::move(latest.session);
  it->second.sessions.pop_back();
  --size_;
  if (it->second.sessions.empty()) remove(it);
  return session;
}

void TlsSessionCache::drop(const std::string& key) {
  const base::MutexLock lock(mutex_);
  if (const auto it = entries_.find(key); it != entries_.end()) remove(it);
}

std::size_t TlsSessionCache::size() const {
  const base::MutexLock lock(mutex_);
  return size_;
}

void TlsSessionCache::remove(Entries::iterator entry) {
  size_ -= entry->second.sessions.size();
  by_use_.erase(entry->second.use);
  entries_.erase(entry);
}

}  // namespace patient_http::net
