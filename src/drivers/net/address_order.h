#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "drivers/net/address.h"
#include "drivers/net/timer.h"

namespace patient_http::net {

// The families by turns, beginning with that of the first; within each the order stays (RFC 8305).
[[nodiscard]] std::vector<Address> interleave(const std::vector<Address>& addresses);

// Remembers for ten minutes which address of a name answered when one before it did not, so that
// not each connection waits for the one that hangs. Keeps a thousand names. Used by one thread.
class AddressOrder {
 public:
  void prefer(const std::string& host, const Address& address, TimePoint now);
  // The order in which the addresses are to be tried.
  [[nodiscard]] std::vector<Address> order(const std::string& host,
                                           const std::vector<Address>& addresses, TimePoint now);

 private:
  struct Preferred {
    Address address;
    TimePoint until;
  };
  std::unordered_map<std::string, Preferred> preferred_;
};

}  // namespace patient_http::net
