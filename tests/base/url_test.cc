#include "base/url.h"

#include <gtest/gtest.h>

namespace patient_http::base {
namespace {

std::string resolved(std::string_view base, std::string_view reference) {
  const auto url = Url::parse(base)->resolve(reference);
  return url ? url->text() : url.error().message;
}

TEST(UrlTest, SplitsAUrlIntoItsParts) {
  const auto url = Url::parse("HTTPS://us%40er:p%3Aw@API.Example.com:8443/a/b?x=1&y=%20#frag");
  ASSERT_TRUE(url.has_value()) << url.error().message;
  EXPECT_EQ(url->origin(), (Origin{"https", "api.example.com", 8443}));
  EXPECT_EQ(url->target(), "/a/b?x=1&y=%20");
  EXPECT_EQ(url->userinfo(), "us@er:p:w");
  EXPECT_EQ(url->redacted(), "https://api.example.com:8443/a/b");
}

TEST(UrlTest, KnowsDefaultPortsAndIpv6) {
  EXPECT_EQ(Url::parse("http://h")->origin().port, 80);
  EXPECT_EQ(Url::parse("https://h:/")->origin().port, 443);
  EXPECT_EQ(Url::parse("http://h")->target(), "/");
  EXPECT_EQ(Url::parse("http://h?q")->target(), "/?q");
  const auto ipv6 = Url::parse("http://[::1]:8080/x");
  ASSERT_TRUE(ipv6.has_value()) << ipv6.error().message;
  EXPECT_EQ(ipv6->origin().host, "::1");
  EXPECT_EQ(ipv6->origin().authority(), "[::1]:8080");
  EXPECT_EQ(Url::parse("https://h:443/")->origin().authority(), "h");
}

TEST(UrlTest, EncodesWhatBrowsersEncode) {
  EXPECT_EQ(Url::parse("http://h/caf\xc3\xa9 b?a[]=1&c={}|^%zz")->target(),
            "/caf%C3%A9%20b?a%5B%5D=1&c=%7B%7D%7C%5E%25zz");
}

TEST(UrlTest, RefusesWhatIsNoHttpUrl) {
  for (const char* bad : {"", "/relative", "api.example.com/x", "ftp://h/x", "http://", "http:///x",
                          "http://h:0/", "http://h:99999/", "http://h/\r\nx", "http://h\x01/",
                          "http://b\xc3\xbc"
                          "cher.de/",
                          "http://[::1/", "mailto:a@b", "http://a b/"}) {
    EXPECT_FALSE(Url::parse(bad).has_value()) << bad;
  }
}

TEST(UrlTest, RefusesWhatWouldGoWhereNobodySentIt) {
  for (const char* bad :
       {"http://127.0.0.1:abc/", "http://127.0.0.1:8a/", "http://good.example:44x3/",
        "http://u:PW/SECRET@h/", "http://127.0.0.1:1\\@x/", "http://[::1]x:1/", "http://h:1:2/",
        "http://h:-1/", "http://h\\x/"}) {
    EXPECT_FALSE(Url::parse(bad).has_value()) << bad;
  }
}

TEST(UrlTest, RefusesASecondAtSign) {
  // Boost.URL read the host "b" and the path "@c/": a request would have gone to b, while others
  // read c.
  for (const char* bad : {"http://a@b@c/", "http://u:p@ss@h/", "http://@@h/", "http://a@b@c"}) {
    EXPECT_FALSE(Url::parse(bad).has_value()) << bad;
  }
  EXPECT_EQ(Url::parse("http://u:p%40ss@h/")->userinfo(), "u:p@ss");
}

TEST(UrlTest, TakesANameThatBeginsAsAnAddress) {
  // Boost.URL read the host 1.2.3.4, and the rest as a path: such names were refused, and
  // normalized() had part of them in its path.
  const auto url = Url::parse("http://u:p@1.2.3.4.nip.example/x?q");
  ASSERT_TRUE(url.has_value()) << url.error().message;
  EXPECT_EQ(url->origin(), (Origin{"http", "1.2.3.4.nip.example", 80}));
  EXPECT_EQ(url->target(), "/x?q");
  EXPECT_EQ(url->text(), "http://u:p@1.2.3.4.nip.example/x?q");
  EXPECT_EQ(Url::parse("http://1.2.3.4.nip.example:81/a/../b")->normalized(),
            "http://1.2.3.4.nip.example:81/b");
  EXPECT_EQ(resolved("http://1.2.3.4ht/a/b", "c"), "http://1.2.3.4ht/a/c");
  EXPECT_EQ(resolved("http://h/a/b", "//1.2.3.4.nip.example/c"), "http://1.2.3.4.nip.example/c");
  EXPECT_EQ(resolved("https://h/", "http://9.9.9.9-x:81/c"), "http://9.9.9.9-x:81/c");
  EXPECT_EQ(Url::parse("HTTP://1.2.3.4.5/").error().message,
            "invalid url HTTP://1.2.3.4.5/: its host is neither a name nor an address");
}

TEST(UrlTest, RefusesAColonInAHostName) {
  // "a%3A1" was the name "a:1", which was then written as the address [a:1].
  for (const char* bad :
       {"http://a%3A1/", "http://%3A%3A1/", "http://[v1.a:b]/", "http://[v1.a]/"}) {
    EXPECT_FALSE(Url::parse(bad).has_value()) << bad;
  }
}

TEST(UrlTest, RefusesNumbersThatAreNoAddress) {
  // Some readers take them for addresses: 127.1 and 2130706433 for 127.0.0.1.
  for (const char* bad : {"http://127.1/", "http://2130706433/", "http://010.0.0.1/",
                          "http://1.2.3.4./", "http://1.%32.3.3.4:/", "http://%31.2.3.4/"}) {
    EXPECT_FALSE(Url::parse(bad).has_value()) << bad;
  }
}

TEST(UrlTest, RefusesWhatNoHostNameHolds) {
  // Percent-encoded, control characters and brackets passed.
  for (const char* bad : {"http://a%0f/", "http://a%7f/", "http://%1b%5B1m/", "http://a%00/",
                          "http://a%0d%0ab/", "http://a%20b/", "http://%e2%98%83/", "http://%5Ba/",
                          "http://a%22b/", "http://[fe80::1%25eth0]/"}) {
    EXPECT_FALSE(Url::parse(bad).has_value()) << bad;
  }
  EXPECT_EQ(Url::parse("http://A_b.%41-c.example/")->origin().host, "a_b.a-c.example");
}

TEST(UrlTest, NeverRepeatsCredentialsOrQueriesInMessages) {
  const auto url = Url::parse("ftp://user:s3cret@h/x?token=s3cret#s3cret");
  ASSERT_FALSE(url.has_value());
  EXPECT_EQ(url.error().message, "invalid url ftp://h/x: its scheme must be http or https");
}

TEST(UrlTest, RedactsWhatIsNoUrlToo) {
  EXPECT_EQ(redact_url("user:s3cret@h/x?t=1"), "h/x");
  EXPECT_EQ(redact_url("http://u:s3/cret@h/x#f"), "http://h/x");
  // A password that is not percent-encoded passed for the end of the url.
  EXPECT_EQ(redact_url("http://u:s3?cret@h/x?t=1"), "http://h/x");
  EXPECT_EQ(redact_url("http://u:s3/c?r#et@h/x#f@g"), "http://g");
  EXPECT_EQ(redact_url("u:s3?cret@h"), "h");
  EXPECT_EQ(redact_url("http://h?a=b@c"), "http://h");
  EXPECT_EQ(redact_url("http://h:80/x:y?a=b@c"), "http://h:80/x:y");
  EXPECT_EQ(redact_url("http://[::1]:80?a=//b@c"), "http://[::1]:80");
  EXPECT_EQ(redact_url("/x?a=http://u:p@c"), "/x");
  EXPECT_EQ(redact_url(std::string_view("http://h/\x1b[1m\0", 14)), "http://h/?[1m?");
}

TEST(UrlTest, ResolvesReferences) {
  // RFC 3986 §5.4.1, where the result is an http url.
  const std::string_view base = "http://a/b/c/d;p?q";
  EXPECT_EQ(resolved(base, "g"), "http://a/b/c/g");
  EXPECT_EQ(resolved(base, "./g/"), "http://a/b/c/g/");
  EXPECT_EQ(resolved(base, "/g"), "http://a/g");
  EXPECT_EQ(resolved(base, "//g"), "http://g");
  EXPECT_EQ(resolved(base, "?y"), "http://a/b/c/d;p?y");
  EXPECT_EQ(resolved(base, "g?y#s"), "http://a/b/c/g?y#s");
  EXPECT_EQ(resolved(base, "../../g"), "http://a/g");
  EXPECT_EQ(resolved(base, "../../../g"), "http://a/g");
  EXPECT_EQ(resolved(base, "https://z/y"), "https://z/y");
  EXPECT_EQ(resolved(base, "caf\xc3\xa9"), "http://a/b/c/caf%C3%A9");
}

TEST(UrlTest, ResolvesNoReferenceWithABadAuthority) {
  // What is no port became a path, and the user's name the host.
  const auto base = Url::parse("http://a/b");
  for (const char* bad : {"http://user:s3?cret@h/", "//user:s3?cret@h/", "http://h:x/y"}) {
    const auto resolved = base->resolve(bad);
    ASSERT_FALSE(resolved.has_value()) << bad;
    EXPECT_EQ(resolved.error().message.find("user"), std::string::npos);
  }
  EXPECT_EQ(resolved("http://a/b", "//h:81/../y?q"), "http://h:81/y?q");
}

TEST(UrlTest, NormalizesForComparison) {
  EXPECT_EQ(Url::parse("HTTP://H:80/a/./b/../c?q#f")->normalized(), "http://h/a/c?q");
  EXPECT_EQ(Url::parse("http://h")->normalized(), Url::parse("http://H:80/#x")->normalized());
  EXPECT_NE(Url::parse("http://h/a")->normalized(), Url::parse("http://h/A")->normalized());
}

TEST(UrlTest, AppendsFormEncodedPairs) {
  std::string encoded;
  append_form_encoded(encoded, "a b&c=\xc3\xa9*-._~");
  EXPECT_EQ(encoded, "a+b%26c%3D%C3%A9*-._%7E");
  EXPECT_EQ(with_query("http://h/p", "a=1"), "http://h/p?a=1");
  EXPECT_EQ(with_query("http://h/p?x=1#f", "a=1"), "http://h/p?x=1&a=1#f");
  EXPECT_EQ(with_query("http://h/p", ""), "http://h/p");
}

TEST(UrlTest, DecodesWhatIsFormEncoded) {
  EXPECT_EQ(form_decode("a+b%26c%3d%C3%A9"), "a b&c=\xc3\xa9");
  EXPECT_EQ(form_decode("100%+%zz%4"), "100% %zz%4");
}

}  // namespace
}  // namespace patient_http::base
