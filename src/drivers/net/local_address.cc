#include "drivers/net/local_address.h"

#include <sys/socket.h>

#include <cerrno>

#include "drivers/net/event_loop.h"

namespace patient_http::net {

// A socket can be bound to the machine's own addresses only.
bool is_local_address(const IpAddress& address) {
  const auto place = Address::parse(address.text(), 0);
  const Fd socket(::socket(place->family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return errno != EAFNOSUPPORT;
  return ::bind(socket.get(), place->get(), place->length()) == 0 || errno != EADDRNOTAVAIL;
}

}  // namespace patient_http::net
