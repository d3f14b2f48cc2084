// Well-formed exchanges, as curl(1) sees them and as we do: status, headers and body are the same.

#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "base/text.h"
#include "drivers/codec/gzip.h"
#include "patient_http/inline_executor.h"
#include "support/program.h"
#include "support/temporary_folder.h"
#include "support/test_http_server.h"

namespace patient_http {
namespace {

using test::Program;
using test::TemporaryFolder;
using test::TestHttpServer;

// What a client makes of a response.
struct Seen {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case; values of one joined
  std::string body;

  bool operator==(const Seen&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Seen& seen) {
  out << seen.status << "\n";
  for (const auto& [name, value] : seen.headers) out << name << ": [" << value << "]\n";
  return out << seen.body.substr(0, 200);
}

// They describe the message on the wire; a Response has left it behind.
void drop_framing(Seen& seen) {
  for (const char* name : {"content-length", "transfer-encoding", "content-encoding"}) {
    seen.headers.erase(name);
  }
}

// The last head of a file of curl's --dump-header, which has those of informational responses and
// of redirects as well, and trailers.
Seen parse_dump(const std::string& dump) {
  Seen seen;
  const std::size_t last = dump.rfind("HTTP/1.");
  if (last == std::string::npos) throw std::runtime_error("curl dumped no head");
  std::istringstream lines(dump.substr(last));
  std::string version;
  lines >> version >> seen.status;
  std::string line;
  std::getline(lines, line);
  std::string* value = nullptr;
  while (std::getline(lines, line) && !base::trim(line).empty()) {
    const std::string text(base::trim(line));
    if (line[0] == ' ' || line[0] == '\t') {  // a folded line, with its own white space
      value->append(line, 0, line.find_first_not_of(" \t")).append(text);
      continue;
    }
    const std::size_t colon = text.find(':');
    const std::string rest(base::trim(std::string_view(text).substr(colon + 1)));
    const auto [it, is_new] =
        seen.headers.try_emplace(base::ascii_lower(text.substr(0, colon)), rest);
    value = &it->second;
    if (!is_new) value->append(",").append(rest);
  }
  return seen;
}

Seen seen_by_curl(const std::string& url) {
  const TemporaryFolder folder;
  Program curl("/usr/bin/curl",
               {"--silent", "--show-error", "--http1.1", "--compressed", "--location", "--max-time",
                "60", "--noproxy", "*", "--dump-header", folder.file("head"), "--output",
                folder.file("body"), url});
  if (curl.wait() != 0) throw std::runtime_error("curl: " + curl.errors());
  Seen seen = parse_dump(test::read_file(folder.file("head")));
  seen.body = test::read_file(folder.file("body"));
  drop_framing(seen);
  return seen;
}

Seen seen_by_us(const std::string& url) {
  InlineExecutor executor(ProcessorOptions{.request_timeout = Seconds{60}, .retries = 0});
  const auto response = executor.send(Request::create({.url = url}).value());
  if (!response) throw std::runtime_error(response.error().message());
  Seen seen{.status = response->status(), .headers = {}, .body = response->body().value_or("")};
  for (const auto& [name, value] : response->headers().entries()) {
    seen.headers[base::ascii_lower(name)] = std::get<std::string>(value);
  }
  drop_framing(seen);
  return seen;
}

struct Exchange {
  const char* name;
  std::string bytes;
};

std::ostream& operator<<(std::ostream& out, const Exchange& exchange) {
  return out << exchange.name;
}

const std::string kOk = "HTTP/1.1 200 OK\r\n";
const std::string kChunkedHead = kOk + "Transfer-Encoding: chunked\r\n\r\n";

std::string with_length(const std::string& headers, const std::string& body) {
  return kOk + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string hello_in(const std::string& coding) {
  if (coding == "br") return *base::base64_decode("GxYAACRAahBl6vCcPg==");
  if (coding == "zstd") return *base::base64_decode("KLUv/QBQZQAAMGhlbGxvIAEAmUsR");
  if (coding == "deflate") return *base::base64_decode("eJzLSM3JyVfIQCcBaAMIsQ==");
  return codec::gzip("hello hello hello hello");
}

std::string many_chunks() {
  std::string bytes = kChunkedHead;
  for (int i = 0; i < 3000; ++i)
    bytes.append("1b;name=\"value\"\r\nabcdefghijklmnopqrstuvwxyz\n\r\n");
  return bytes.append("0\r\n\r\n");
}

const std::vector<Exchange>& exchanges() {
  static const std::vector<Exchange> all = {
      {"Plain", with_length("Content-Type: text/plain\r\n", "hello")},
      {"Empty", with_length("", "")},
      {"Large", with_length("", std::string(1'000'000, 'x'))},
      {"Binary", with_length("", std::string("\0\r\n\xff\x80 0\r\n\r\n", 11))},
      {"Created", "HTTP/1.1 201 Created\r\nLocation: /x\r\nContent-Length: 2\r\n\r\nok"},
      {"NoContent", "HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n"},
      {"NotModified", "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n"},
      {"NotFound", "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone"},
      {"TooManyRequests", "HTTP/1.1 429 Slow Down\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n"},
      {"Unavailable", "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy"},
      {"UnknownStatus", "HTTP/1.1 299 Odd One\r\nContent-Length: 0\r\n\r\n"},
      {"MultipleChoicesWithoutLocation", "HTTP/1.1 300 Choose\r\nContent-Length: 1\r\n\r\na"},
      {"NoReason", "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok"},
      {"Chunked", kChunkedHead + "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"},
      {"ChunkedEmpty", kChunkedHead + "0\r\n\r\n"},
      {"ChunkedWithExtensionsAndTrailers",
       kOk + "Trailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n" +
           "A;x=\"y\"\r\n0123456789\r\n000;z\r\nX-T: u\r\nX-U: v\r\n\r\n"},
      {"ManyChunks", many_chunks()},
      {"UntilTheEnd", kOk + "X-A: b\r\n\r\nuntil the end"},
      {"UntilTheEndAndEmpty", kOk + "\r\n"},
      {"Http10", "HTTP/1.0 200 OK\r\nX-A: b\r\n\r\nold"},
      {"Http10KeepAlive",
       "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nold"},
      {"Continue", "HTTP/1.1 100 Continue\r\n\r\n" + with_length("", "ok")},
      {"EarlyHints",
       "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" +
           with_length("X-A: b\r\n", "ok")},
      {"RepeatedHeaders",
       with_length("X-A: 1\r\nVary: a\r\nX-A: 2\r\nvary: b\r\nx-a: 3\r\n", "ok")},
      {"OddNames", with_length("X_a!#$%&'*+-.^`|~: b\r\nUPPER: Case\r\n1: 2\r\n", "ok")},
      {"EmptyValues", with_length("X-A:\r\nX-B: \r\nX-C: \t \r\n", "ok")},
      {"SpacesAndTabs", with_length("X-A:b\r\nX-B:   b  c\t\r\nX-C:\tb\tc \r\n", "ok")},
      {"Latin1Value", with_length("X-A: caf\xe9\r\n", "ok")},
      {"ColonsInAValue", with_length("X-A: b: c:d\r\n", "ok")},
      {"FoldedValue", with_length("X-A: b\r\n  c\r\n\td\r\nX-E: f\r\n", "ok")},
      {"LongValue", with_length("X-A: " + std::string(30'000, 'v') + "\r\n", "ok")},
      {"Gzip", with_length("Content-Encoding: gzip\r\n", hello_in("gzip"))},
      {"Deflate", with_length("Content-Encoding: deflate\r\n", hello_in("deflate"))},
      {"RawDeflate", with_length("Content-Encoding: deflate\r\n",
                                 hello_in("deflate").substr(2, hello_in("deflate").size() - 6))},
      {"Brotli", with_length("Content-Encoding: br\r\n", hello_in("br"))},
      {"Zstd", with_length("Content-Encoding: zstd\r\n", hello_in("zstd"))},
      {"ZstdFrames",
       with_length("Content-Encoding: zstd\r\n", hello_in("zstd") + hello_in("zstd"))},
      {"TwoCodings", with_length("Content-Encoding: br, gzip\r\n", codec::gzip(hello_in("br")))},
      {"GzipUntilTheEnd", kOk + "Content-Encoding: gzip\r\n\r\n" + hello_in("gzip")},
      {"Identity", with_length("Content-Encoding: identity\r\n", "as it is")},
      {"Redirect", "HTTP/1.1 302 Found\r\nLocation: /target?x=1\r\nContent-Length: 4\r\n\r\ngone"},
      {"PermanentRedirect", "HTTP/1.1 308 Moved\r\nLocation: target\r\n\r\n"},
      {"SeeOther", "HTTP/1.1 303 See\r\nLocation: ./a/../target#x\r\nContent-Length: 0\r\n\r\n"},
  };
  return all;
}

class CurlComparisonTest : public testing::TestWithParam<Exchange> {};

INSTANTIATE_TEST_SUITE_P(Exchanges, CurlComparisonTest, testing::ValuesIn(exchanges()),
                         [](const auto& tested) { return tested.param.name; });

TEST_P(CurlComparisonTest, SeesWhatCurlSees) {
  TestHttpServer server;
  server.answer_raw("/", GetParam().bytes);
  server.answer("/target", 200, "there", "X-Target: yes\r\n");
  EXPECT_EQ(seen_by_us(server.url("/")), seen_by_curl(server.url("/")));
}

}  // namespace
}  // namespace patient_http
