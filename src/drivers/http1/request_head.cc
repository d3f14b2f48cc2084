#include "drivers/http1/request_head.h"

#include <utility>

namespace patient_http::http1 {

RequestHead::RequestHead(std::string_view method, std::string_view target, std::size_t room) {
  text_.reserve(room);
  text_.append(method).append(" ").append(target).append(" HTTP/1.1\r\n");
}

void RequestHead::add(std::string_view name, std::string_view value) {
  text_.append(name).append(": ").append(value).append("\r\n");
}

std::string RequestHead::finish() && {
  text_ += "\r\n";
  return std::move(text_);
}

}  // namespace patient_http::http1
