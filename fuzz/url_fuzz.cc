// Urls: an absolute one, a line feed, and a reference to resolve against it.
#include "base/url.h"

#include <algorithm>
#include <array>

#include "base/plain_url.h"
#include "base/text.h"
#include "fuzz/property.h"
#include "http/request_url.h"

namespace {

using namespace patient_http;
using base::Url;
using fuzz::require;

// Put into queries and credentials, which no message may hold.
constexpr std::string_view kSecret = "Zq7SeCrEt7qZ";

bool is_printable_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

bool tells_secret(std::string_view text) {
  return text.find(kSecret) != std::string_view::npos;
}

void check_url(const Url& url) {
  require(is_printable_ascii(url.text()), "a url is printable ASCII");
  const base::Origin& origin = url.origin();
  require(origin.scheme == "http" || origin.scheme == "https", "the scheme is http or https");
  require(!origin.host.empty() && origin.port != 0, "there are a host and a port");
  require(is_printable_ascii(origin.host), "a host is printable ASCII");
  require(base::ascii_lower(origin.host) == origin.host, "a host is in lower case");
  require(url.target().starts_with('/'), "a target begins with a slash");
  require(is_printable_ascii(url.target()), "a target is printable ASCII");
  require(url.target().find('#') == std::string::npos, "a target has no fragment");
  require(url.redacted().find_first_of("?#") == std::string::npos, "redacted() has no query");

  const auto of_origin = Url::parse(origin.text());
  require(of_origin && of_origin->origin() == origin, "the text of an origin means the origin");
  const auto again = Url::parse(url.text());
  require(again && again->text() == url.text() && again->origin() == origin &&
              again->target() == url.target() && again->userinfo() == url.userinfo(),
          "the text of a url means the url");
  const auto normal = Url::parse(url.normalized());
  require(normal && normal->origin() == origin, "normalized() keeps the origin");
  require(normal->normalized() == url.normalized(), "normalized() is final");
}

// A scheme in capitals is read the long way: both must see the same.
void check_plain_url(const Url& url) {
  if (!base::read_plain_url(url.text())) return;
  std::string text = url.text();
  text[0] = 'H';
  const auto other = Url::parse(text);
  require(other && other->origin() == url.origin() && other->target() == url.target() &&
              other->userinfo() == url.userinfo(),
          "a plain url is read as any other");
  text = url.text();
  const auto written = http::request_url(text.append("#"));
  require(written && *written == text, "a plain url is in the form of request_url()");
}

void check_reference(const Url& url, std::string_view reference) {
  const auto resolved = url.resolve(reference);
  if (!resolved) return;
  check_url(*resolved);
  const bool may_leave = reference.find(':') != std::string_view::npos ||
                         reference.find("//") != std::string_view::npos;
  require(may_leave || resolved->origin() == url.origin(), "a path stays where it is");
}

void check_request_url(std::string_view text, std::string_view reference) {
  const auto url = http::request_url(text);
  if (!url) return;
  require(Url::parse(*url).has_value(), "request_url() gives a url");
  const auto again = http::request_url(*url);
  require(again && *again == *url, "request_url() is final");
  const auto resolved = http::resolve_request_url(*url, reference);
  if (!resolved) return;
  const auto same = http::request_url(*resolved);
  require(same && *same == *resolved, "a resolved url has the form of request_url()");
}

// Neither a failure nor a redacted form tells what is in credentials and query.
void check_secrecy(std::string_view text) {
  if (tells_secret(text)) return;  // where it is none
  struct Frame {
    std::string_view before;
    std::string_view after;
  };
  constexpr std::array<Frame, 3> kFrames = {{{"", "?Zq7SeCrEt7qZ"},
                                             {"http://Zq7SeCrEt7qZ:Zq7SeCrEt7qZ@", ""},
                                             {"https://u:Zq7SeCrEt7qZ@", "?k=Zq7SeCrEt7qZ"}}};
  for (const Frame& frame : kFrames) {
    const std::string url = std::string(frame.before).append(text).append(frame.after);
    require(!tells_secret(base::redact_url(url)), "redact_url() tells no secret");
    const auto parsed = Url::parse(url);
    require(parsed || !tells_secret(parsed.error().message), "a failure tells no secret");
    require(!parsed || !tells_secret(parsed->redacted()), "redacted() tells no secret");
    const auto written = http::request_url(url);
    require(written || !tells_secret(written.error().message), "a failure tells no secret");
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [text, reference] = fuzz::two_texts(fuzz::text_of(data, size));
  const std::string redacted = base::redact_url(text);
  require(base::is_valid_utf8(redacted), "redact_url() gives UTF-8");
  require(redacted.find_first_of("#\r\n") == std::string::npos, "… in one line");
  if (const auto url = Url::parse(text)) {
    check_url(*url);
    check_plain_url(*url);
    check_reference(*url, reference);
  }
  check_request_url(text, reference);
  check_secrecy(text);
  return 0;
}
