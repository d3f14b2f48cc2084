#include "support/test_dns_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

namespace patient_http::test {

namespace {

constexpr std::size_t kHeaderSize = 12;
constexpr unsigned kTypeA = 1;
constexpr unsigned kTypeAaaa = 28;
// Of the flags of a reply.
constexpr unsigned kResponse = 0x8180;
constexpr unsigned kTruncated = 0x0200;
constexpr unsigned kNoSuchName = 3;

void put16(std::string& out, unsigned value) {
  out += static_cast<char>(value >> 8 & 255);
  out += static_cast<char>(value & 255);
}

// The name of the question, lower case, and where the question ends.
std::pair<std::string, std::size_t> read_question(const std::string& query) {
  std::string name;
  std::size_t at = kHeaderSize;
  while (at < query.size() && query[at] != 0) {
    const auto length = static_cast<unsigned char>(query[at]);
    if (!name.empty()) name += '.';
    for (char c : query.substr(at + 1, length)) name += static_cast<char>(std::tolower(c));
    at += length + 1U;
  }
  return {name, at + 5};
}

}  // namespace

TestDnsServer::TestDnsServer(const std::string& ip, int port)
    : ip_(ip), socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  ::inet_pton(AF_INET, ip_.c_str(), &address.sin_addr);
  socklen_t length = sizeof address;
  if (::bind(socket_, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    throw std::runtime_error("cannot open a UDP port on " + ip_);
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

TestDnsServer::~TestDnsServer() {
  stopping_ = true;
  // A datagram to ourselves ends the wait.
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port_));
  ::inet_pton(AF_INET, ip_.c_str(), &address.sin_addr);
  ::sendto(socket_, "", 0, 0, reinterpret_cast<sockaddr*>(&address), sizeof address);
  thread_.join();
  ::close(socket_);
}

void TestDnsServer::add(const std::string& name, const std::vector<std::string>& addresses,
                        unsigned ttl) {
  std::lock_guard lock(mutex_);
  records_[name] = {.addresses = addresses, .ttl = ttl};
}

void TestDnsServer::fail(const std::string& name, Failure failure) {
  std::lock_guard lock(mutex_);
  records_[name] = {.flags = static_cast<unsigned>(failure)};
}

void TestDnsServer::garble(const std::string& name) {
  std::lock_guard lock(mutex_);
  records_[name] = {.is_garbled = true};
}

void TestDnsServer::truncate(const std::string& name) {
  std::lock_guard lock(mutex_);
  records_[name] = {.flags = kTruncated};
}

int TestDnsServer::queries_for(const std::string& name) const {
  std::lock_guard lock(mutex_);
  const auto it = queries_.find(name);
  return it == queries_.end() ? 0 : it->second;
}

void TestDnsServer::serve() {
  std::array<char, 2048> buffer;
  for (;;) {
    sockaddr_in peer{};
    socklen_t length = sizeof peer;
    const ssize_t got = ::recvfrom(socket_, buffer.data(), buffer.size(), 0,
                                   reinterpret_cast<sockaddr*>(&peer), &length);
    if (stopping_ || got < 0) return;
    if (static_cast<std::size_t>(got) < kHeaderSize + 5) continue;
    const std::lock_guard held(hold_);
    const std::string reply = reply_to({buffer.data(), static_cast<std::size_t>(got)});
    if (reply.empty()) continue;
    ::sendto(socket_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&peer), length);
  }
}

std::string TestDnsServer::reply_to(const std::string& query) {
  const auto [name, end] = read_question(query);
  const unsigned type = static_cast<unsigned char>(query[end - 3]);
  std::lock_guard lock(mutex_);
  if (type == kTypeA) ++queries_[name];
  if (name.ends_with(".silent")) return {};
  const auto it = records_.find(name);
  const bool known = it != records_.end();
  std::vector<std::string> addresses = known ? it->second.addresses : std::vector<std::string>();
  std::erase_if(addresses, [type = type](const std::string& address) {
    return type != (address.find(':') == std::string::npos ? kTypeA : kTypeAaaa);
  });

  std::string reply = query.substr(0, 2);
  if (known && it->second.is_garbled) return reply + std::string(40, '\xff');
  put16(reply, kResponse | (known ? it->second.flags : kNoSuchName));
  put16(reply, 1);
  put16(reply, static_cast<unsigned>(addresses.size()));
  put16(reply, 0);
  put16(reply, 0);
  reply += query.substr(kHeaderSize, end - kHeaderSize);
  for (const std::string& text : addresses) {
    std::array<char, sizeof(in6_addr)> address{};
    const bool is_v4 = type == kTypeA;
    ::inet_pton(is_v4 ? AF_INET : AF_INET6, text.c_str(), address.data());
    const std::size_t size = is_v4 ? sizeof(in_addr) : sizeof(in6_addr);
    put16(reply, 0xc000 | kHeaderSize);  // the name of the question
    put16(reply, type);
    put16(reply, 1);
    put16(reply, it->second.ttl >> 16);
    put16(reply, it->second.ttl & 0xffff);
    put16(reply, static_cast<unsigned>(size));
    reply.append(address.data(), size);
  }
  return reply;
}

}  // namespace patient_http::test
