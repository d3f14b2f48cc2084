#include "drivers/net/acknowledged_bytes.h"

// In a file of its own: glibc's <netinet/tcp.h> has an older tcp_info, and the two exclude each
// other.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>

namespace patient_http::net {

std::uint64_t acknowledged_bytes(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  const std::size_t needed = offsetof(tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked;
  return size >= needed ? info.tcpi_bytes_acked : 0;
}

}  // namespace patient_http::net
