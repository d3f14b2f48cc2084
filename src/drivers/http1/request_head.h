#pragma once

#include <string>
#include <string_view>

namespace patient_http::http1 {

// Writes the head of a request. Names and values must be free of CR, LF and NUL.
class RequestHead {
 public:
  // `method` as on the wire ("POST"); `target` is path and query.
  RequestHead(std::string_view method, std::string_view target);

  void add(std::string_view name, std::string_view value);

  // The head with its empty line. The object is then spent.
  [[nodiscard]] std::string finish() &&;

 private:
  std::string text_;
};

}  // namespace patient_http::http1
