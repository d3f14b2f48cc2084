#include "support/test_dns_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string_view>

namespace patient_http::test {

namespace {

constexpr std::size_t kHeaderSize = 12;
constexpr std::size_t kLargestDatagram = 512;
constexpr unsigned kTypeA = 1;
constexpr unsigned kTypeCname = 5;
constexpr unsigned kTypeAaaa = 28;
// Of the flags of a reply.
constexpr unsigned kResponse = 0x8180;
constexpr unsigned kTruncated = 0x0200;
constexpr unsigned kNoSuchName = 3;

void put16(std::string& out, unsigned value) {
  out += static_cast<char>(value >> 8 & 255);
  out += static_cast<char>(value & 255);
}

void put_record(std::string& out, const std::string& owner, unsigned type, unsigned ttl,
                std::string_view data) {
  out += owner;
  put16(out, type);
  put16(out, 1);  // IN
  put16(out, ttl >> 16);
  put16(out, ttl & 0xffff);
  put16(out, static_cast<unsigned>(data.size()));
  out += data;
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

void put_name(std::string& out, const std::string& name) {
  for (std::size_t begin = 0; begin < name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    out += static_cast<char>(end - begin);
    out.append(name, begin, end - begin);
    begin = end + 1;
  }
  out += '\0';
}

// A socket at `port`, which 0 makes any; -1 when there is none. Sets `port`.
int bind_to(const std::string& ip, int type, int& port) {
  const int fd = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
  const int on = 1;
  if (type == SOCK_STREAM) ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  ::inet_pton(AF_INET, ip.c_str(), &address.sin_addr);
  socklen_t length = sizeof address;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    ::close(fd);
    return -1;
  }
  port = ntohs(address.sin_port);
  return fd;
}

}  // namespace

TestDnsServer::TestDnsServer(const std::string& ip, int port) : ip_(ip) {
  // Both on one port: where any will do, the first that is free for one may be taken for the other.
  for (int tries = 0; tries < 10 && socket_ < 0; ++tries) {
    port_ = port;
    listener_ = bind_to(ip_, SOCK_STREAM, port_);
    if (listener_ < 0) break;
    socket_ = bind_to(ip_, SOCK_DGRAM, port_);
    if (socket_ < 0) ::close(listener_);
  }
  if (socket_ < 0 || ::listen(listener_, 16) != 0) {
    throw std::runtime_error("cannot open a port for DNS on " + ip_);
  }
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
  ::close(listener_);
}

void TestDnsServer::add(const std::string& name, const std::vector<std::string>& addresses,
                        unsigned ttl) {
  std::lock_guard lock(mutex_);
  records_[name] = {.addresses = addresses, .ttl = ttl};
}

void TestDnsServer::add_alias(const std::string& name, const std::string& target) {
  std::lock_guard lock(mutex_);
  records_[name] = {.alias_of = target};
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
  std::vector<pollfd> watched = {{socket_, POLLIN, 0}, {listener_, POLLIN, 0}};
  for (;;) {
    ::poll(watched.data(), watched.size(), -1);
    if (watched[0].revents != 0 && !answer_datagram()) break;
    for (std::size_t i = watched.size(); --i > 1;) {
      if (watched[i].revents == 0 || answer_on(watched[i].fd)) continue;
      ::close(watched[i].fd);
      watched.erase(watched.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (watched[1].revents != 0) {
      watched.push_back({::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC), POLLIN, 0});
    }
  }
  for (std::size_t i = 2; i < watched.size(); ++i) ::close(watched[i].fd);
}

bool TestDnsServer::answer_datagram() {
  std::array<char, 2048> buffer;
  sockaddr_in peer{};
  socklen_t length = sizeof peer;
  const ssize_t got = ::recvfrom(socket_, buffer.data(), buffer.size(), 0,
                                 reinterpret_cast<sockaddr*>(&peer), &length);
  if (stopping_ || got < 0) return false;
  if (static_cast<std::size_t>(got) < kHeaderSize + 5) return true;
  const std::lock_guard held(hold_);
  std::string reply = reply_to({buffer.data(), static_cast<std::size_t>(got)});
  if (reply.empty()) return true;
  if (reply.size() > kLargestDatagram) {
    // The question, and no record.
    reply.resize(static_cast<std::size_t>(got));
    reply[2] = static_cast<char>(static_cast<unsigned char>(reply[2]) | kTruncated >> 8);
    reply[7] = 0;
  }
  ::sendto(socket_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&peer), length);
  return true;
}

bool TestDnsServer::answer_on(int connection) {
  std::array<unsigned char, 2> size{};
  if (::recv(connection, size.data(), size.size(), MSG_WAITALL) != 2) return false;
  std::string query(size[0] * 256U + size[1], '\0');
  if (::recv(connection, query.data(), query.size(), MSG_WAITALL) !=
          static_cast<ssize_t>(query.size()) ||
      query.size() < kHeaderSize + 5) {
    return false;
  }
  const std::lock_guard held(hold_);
  const std::string reply = reply_to(query);
  std::string message;
  put16(message, static_cast<unsigned>(reply.size()));
  message += reply;
  return reply.empty() || ::send(connection, message.data(), message.size(), MSG_NOSIGNAL) ==
                              static_cast<ssize_t>(message.size());
}

std::string TestDnsServer::reply_to(const std::string& query) {
  const auto [name, end] = read_question(query);
  const unsigned type = static_cast<unsigned char>(query[end - 3]);
  std::lock_guard lock(mutex_);
  if (type == kTypeA) ++queries_[name];
  if (name.ends_with(".silent")) return {};
  auto it = records_.find(name);
  const std::string alias_of = it != records_.end() ? it->second.alias_of : std::string();
  if (!alias_of.empty()) it = records_.find(alias_of);
  const bool known = it != records_.end();
  std::vector<std::string> addresses = known ? it->second.addresses : std::vector<std::string>();
  std::erase_if(addresses, [type = type](const std::string& address) {
    return type != (address.find(':') == std::string::npos ? kTypeA : kTypeAaaa);
  });

  std::string reply = query.substr(0, 2);
  if (known && it->second.is_garbled) return reply + std::string(40, '\xff');
  put16(reply, kResponse | (known ? it->second.flags : kNoSuchName));
  put16(reply, 1);
  put16(reply, static_cast<unsigned>(addresses.size()) + (alias_of.empty() ? 0 : 1));
  put16(reply, 0);
  put16(reply, 0);
  reply += query.substr(kHeaderSize, end - kHeaderSize);
  std::string owner;
  put16(owner, 0xc000 | kHeaderSize);  // the name of the question
  if (!alias_of.empty()) {
    std::string target;
    put_name(target, alias_of);
    put_record(reply, owner, kTypeCname, known ? it->second.ttl : 0, target);
    owner = target;
  }
  for (const std::string& text : addresses) {
    std::array<char, sizeof(in6_addr)> address{};
    const bool is_v4 = type == kTypeA;
    ::inet_pton(is_v4 ? AF_INET : AF_INET6, text.c_str(), address.data());
    const std::size_t size = is_v4 ? sizeof(in_addr) : sizeof(in6_addr);
    put_record(reply, owner, type, it->second.ttl, {address.data(), size});
  }
  return reply;
}

}  // namespace patient_http::test
