#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace patient_http::test {

// A request to the slow server, as far as it looks at one. The views are into the bytes read.
struct SlowRequest {
  std::string_view method = {};
  std::string_view target = {};      // path and query
  std::string_view request_id = {};  // x-request-id, or empty
  std::size_t head_size = 0;         // bytes, with the empty line
  std::size_t body_size = 0;
  bool is_chunked = false;
  bool wants_close = false;
};

enum class SlowRead { kIncomplete, kMalformed, kComplete };

// Reads the head at the beginning of `bytes`.
[[nodiscard]] SlowRead read_request(std::string_view bytes, SlowRequest& request);

// What goes wrong with an answer. HTTP/2 has the first three; the others are kReset there.
enum class SlowFault {
  kNone,
  kReset,     // no answer: the connection is reset, or the stream
  kBadGzip,   // content-encoding: gzip, and a body that is none
  kTooLong,   // a content-length of 4 GB
  kClose,     // no answer: the connection is closed in order
  kCut,       // closed in the middle of the body
  kGarbage,   // not HTTP
  kBadChunk,  // a chunk whose size is no number
};

// How a request is to be answered.
struct SlowAnswer {
  std::chrono::duration<double> delay{0};
  std::chrono::duration<double> jitter{0};  // the most that is added at random
  int status = 200;
  std::size_t size = 0;  // bytes of the body at least; it is padded up to them
  bool closes = false;
  SlowFault fault = SlowFault::kNone;
};

// Overrides `answer` by the query of `target`: "/x?delay=0.5&jitter=0.1&status=503&size=2000&
// close=1&fault=cut". Faults are reset, bad_gzip, too_long, close, cut, garbage and bad_chunk. What
// is unknown or makes no sense is ignored.
void apply_query(std::string_view target, SlowAnswer& answer);

// The body of the response: JSON that says what came in; empty where the status allows none.
[[nodiscard]] std::string response_body(const SlowRequest& request, const SlowAnswer& answer);

// What is sent of an answer with a fault. REQUIRES: there is one.
[[nodiscard]] std::string_view faulty_response(SlowFault fault);

// Appends the response: JSON that says what came in, and nothing after a HEAD.
void append_response(const SlowRequest& request, const SlowAnswer& answer, std::string& out);

}  // namespace patient_http::test
