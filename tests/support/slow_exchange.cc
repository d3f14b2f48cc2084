#include "support/slow_exchange.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>
#include <utility>

namespace patient_http::test {

namespace {

// Bodies beyond this are for other servers.
constexpr std::size_t kLargestBody = std::size_t{256} << 20;
constexpr double kLongestDelay = 24 * 3600;

bool equal_ignoring_case(std::string_view left, std::string_view lower) {
  return left.size() == lower.size() &&
         std::equal(left.begin(), left.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + ('a' - 'A')) : a) == b;
         });
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

// The part before `separator`, which is taken off `text` with it.
std::string_view take_until(std::string_view& text, std::string_view separator) {
  const std::size_t at = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(std::min(at + separator.size(), text.size()));
  return part;
}

bool read_header(std::string_view line, SlowRequest& request) {
  const std::string_view name = take_until(line, ":");
  while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
  // By length first: most headers are none of these.
  switch (name.size()) {
    case 10:
      if (equal_ignoring_case(name, "connection")) {
        request.wants_close = equal_ignoring_case(line, "close");
      }
      return true;
    case 12:
      if (equal_ignoring_case(name, "x-request-id")) request.request_id = line;
      return true;
    case 14:
      return !equal_ignoring_case(name, "content-length") || read_number(line, request.body_size);
    case 17:
      if (equal_ignoring_case(name, "transfer-encoding")) request.is_chunked = true;
      return true;
    default:
      return true;
  }
}

SlowFault fault_of(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, SlowFault>, 7> kNames = {
      {{"reset", SlowFault::kReset},
       {"bad_gzip", SlowFault::kBadGzip},
       {"too_long", SlowFault::kTooLong},
       {"close", SlowFault::kClose},
       {"cut", SlowFault::kCut},
       {"garbage", SlowFault::kGarbage},
       {"bad_chunk", SlowFault::kBadChunk}}};
  for (const auto& [known, fault] : kNames) {
    if (known == name) return fault;
  }
  return SlowFault::kNone;
}

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 404:
      return "Not Found";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    default:
      return "Status";
  }
}

void append_number(std::string& out, std::size_t number) {
  char digits[20];
  const auto [end, error] = std::to_chars(std::begin(digits), std::end(digits), number);
  if (error == std::errc()) out.append(digits, static_cast<std::size_t>(end - digits));
}

void append_json_text(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  out += '"';
}

std::string json_body(const SlowRequest& request, std::size_t least) {
  std::string body;
  body.reserve(std::max<std::size_t>(least, 160) + 16);
  body += R"({"method":)";
  append_json_text(body, request.method);
  body += R"(,"path":)";
  append_json_text(body, request.target);
  body += R"(,"request_id":)";
  append_json_text(body, request.request_id);
  body += R"(,"body_size":)";
  append_number(body, request.body_size);
  constexpr std::string_view kPadding = R"(,"padding":"")";
  if (body.size() + 1 < least) {
    const std::size_t used = body.size() + kPadding.size() + 1;
    body += kPadding.substr(0, kPadding.size() - 1);
    body.append(least > used ? least - used : 0, 'x');
    body += '"';
  }
  body += '}';
  return body;
}

bool has_body(int status) {
  return status != 204 && status != 304;
}

}  // namespace

SlowRead read_request(std::string_view bytes, SlowRequest& request) {
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) return SlowRead::kIncomplete;
  request = {};
  request.head_size = end + 4;
  std::string_view rest = bytes.substr(0, end);
  std::string_view line = take_until(rest, "\r\n");
  request.method = take_until(line, " ");
  request.target = take_until(line, " ");
  if (request.method.empty() || request.target.empty() || !line.starts_with("HTTP/1.")) {
    return SlowRead::kMalformed;
  }
  request.wants_close = line == "HTTP/1.0";
  while (!rest.empty()) {
    if (!read_header(take_until(rest, "\r\n"), request)) return SlowRead::kMalformed;
  }
  return SlowRead::kComplete;
}

void apply_query(std::string_view target, SlowAnswer& answer) {
  take_until(target, "?");
  while (!target.empty()) {
    std::string_view value = take_until(target, "&");
    const std::string_view key = take_until(value, "=");
    double seconds = 0;
    std::size_t number = 0;
    if ((key == "delay" || key == "jitter") && read_number(value, seconds) && seconds >= 0) {
      (key == "delay" ? answer.delay : answer.jitter) =
          std::chrono::duration<double>(std::min(seconds, kLongestDelay));
    } else if (key == "status" && read_number(value, number) && number >= 200 && number <= 999) {
      answer.status = static_cast<int>(number);
    } else if (key == "size" && read_number(value, number)) {
      answer.size = std::min(number, kLargestBody);
    } else if (key == "close") {
      answer.closes = value != "0";
    } else if (key == "fault") {
      answer.fault = fault_of(value);
    }
  }
}

std::string response_body(const SlowRequest& request, const SlowAnswer& answer) {
  return has_body(answer.status) ? json_body(request, answer.size) : std::string();
}

std::string_view faulty_response(SlowFault fault) {
  switch (fault) {
    case SlowFault::kBadGzip:
      return "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 8\r\n\r\nnot gzip";
    case SlowFault::kTooLong:
      return "HTTP/1.1 200 OK\r\ncontent-length: 4294967296\r\n\r\n";
    case SlowFault::kCut:
      return "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf of it";
    case SlowFault::kGarbage:
      return "this is no HTTP\r\n\r\n";
    case SlowFault::kBadChunk:
      return "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n";
    default:
      return {};
  }
}

void append_response(const SlowRequest& request, const SlowAnswer& answer, std::string& out) {
  const std::string body = response_body(request, answer);
  out.reserve(out.size() + body.size() + 128);
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::size_t>(answer.status));
  out += ' ';
  out += reason_of(answer.status);
  if (has_body(answer.status)) {
    out += "\r\ncontent-type: application/json\r\ncontent-length: ";
    append_number(out, body.size());
  }
  if (answer.closes) out += "\r\nconnection: close";
  out += "\r\n\r\n";
  if (request.method != "HEAD") out += body;
}

}  // namespace patient_http::test
