#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace patient_http::http1 {

// Writes the head of a request. Names and values must be free of CR, LF and NUL.
class RequestHead {
 public:
  // `method` as on the wire ("POST"); `target` is path and query. Bytes up to `room` never move: a
  // head with secrets leaves no copies behind.
  RequestHead(std::string_view method, std::string_view target, std::size_t room = 256);

  void add(std::string_view name, std::string_view value);

  // The head with its empty line. The object is then spent.
  [[nodiscard]] std::string finish() &&;

 private:
  std::string text_;
};

}  // namespace patient_http::http1
