#include "patient_http/response.h"

#include <gtest/gtest.h>

namespace patient_http {
namespace {

using namespace std::chrono_literals;

Response with_status(int status) {
  return Response(ResponseOptions{.status = status});
}

Response with_type(std::string type, std::string body) {
  return Response(
      ResponseOptions{.status = 200, .headers = {{"Content-Type", type}}, .body = body});
}

TEST(ResponseTest, WritesItsKeysInOrder) {
  const Response response(
      ResponseOptions{.status = 200,
                      .headers = {{"Content-Type", "text/plain"}},
                      .body = "hi",
                      .duration = 30s,
                      .request_id = "id",
                      .url = "http://h/x",
                      .method = HttpMethod::kPut,
                      .callback_args = *CallbackArgs::create(Json::object({{"a", 1}})),
                      .redirects = {"http://h/"}});
  EXPECT_EQ(response.to_json().dump(),
            R"({"status":200,"headers":{"content-type":"text/plain"},"body":{"encoding":"text",)"
            R"("value":"hi","charset":"UTF-8"},"duration":30.0,"request_id":"id",)"
            R"("url":"http://h/x","http_method":"put","callback_args":{"a":1},)"
            R"("redirects":["http://h/"]})");
}

TEST(ResponseTest, AppendsWhatItsJsonIs) {
  for (const Response& response :
       {with_status(204), with_type("text/plain", std::string(5000, 'a')),
        with_type("x/y", "\xff")}) {
    std::string out;
    response.append_json(out);
    EXPECT_EQ(out, response.to_json().dump());
  }
}

TEST(ResponseTest, WritesBackWhatItRead) {
  for (const char* text :
       {R"({"status":200,"headers":{},"body":null,"duration":1,"request_id":"id","url":"u",)"
        R"("http_method":"get","callback_args":{},"redirects":[]})",
        R"({"status":200,"headers":{},"body":null,"duration":null,"request_id":null,"url":null,)"
        R"("http_method":"","callback_args":{},"redirects":[]})",
        R"({"status":200,"headers":{"content-type":"text/html; charset=iso-8859-1"},"body":)"
        R"({"encoding":"text","value":"é","charset":"UTF-8"},"duration":0.5,"request_id":"id",)"
        R"("url":"u","http_method":"get","callback_args":{},"redirects":[]})"}) {
    const auto response = Response::from_json(*Json::parse(text));
    ASSERT_TRUE(response.has_value()) << response.error().message();
    EXPECT_EQ(response->to_json().dump(), text);
  }
}

TEST(ResponseTest, WritesAGzippedBodyBackByteForByte) {
  const Json json = with_type("text/plain", std::string(5000, 'a')).to_json();
  const auto response = Response::from_json(json);
  EXPECT_EQ(response->body(), std::string(5000, 'a'));
  EXPECT_EQ(response->to_json(), json);
}

TEST(ResponseTest, TakesMissingMembers) {
  const auto response = Response::from_json(*Json::parse(R"({"status":200})"));
  ASSERT_TRUE(response.has_value());
  EXPECT_TRUE(response->headers().empty());
  EXPECT_TRUE(response->callback_args().empty());
  EXPECT_EQ(response->body(), std::nullopt);
}

TEST(ResponseTest, NamesTheFieldThatIsWrong) {
  const auto refusal = [](std::string_view text) {
    return Response::from_json(*Json::parse(text)).error().message();
  };
  EXPECT_EQ(refusal("{}"), "status must be an integer, got null");
  EXPECT_EQ(refusal(R"({"status":200,"headers":5})"), "headers must be an object, got integer");
  EXPECT_EQ(refusal(R"({"status":200,"url":5})"), "url must be a text or null, got integer");
  EXPECT_EQ(refusal(R"({"status":200,"redirects":[1]})"),
            "redirects must be an array of texts, got integer");
  EXPECT_EQ(refusal("[]"), "response must be an object, got array");
}

TEST(ResponseTest, SortsStatusesAtTheirBoundaries) {
  EXPECT_FALSE(with_status(199).is_success());
  EXPECT_TRUE(with_status(200).is_success());
  EXPECT_TRUE(with_status(299).is_success());
  EXPECT_TRUE(with_status(300).is_redirect());
  EXPECT_TRUE(with_status(399).is_redirect());
  EXPECT_TRUE(with_status(400).is_client_error());
  EXPECT_TRUE(with_status(499).is_error());
  EXPECT_TRUE(with_status(500).is_server_error());
  EXPECT_TRUE(with_status(599).is_error());
  EXPECT_FALSE(with_status(600).is_error());
}

TEST(ResponseTest, KnowsJsonByItsContentType) {
  for (const char* type : {"application/json", "APPLICATION/JSON;charset=utf-8", "text/json",
                           "application/problem+json", "application/vnd.api+json"}) {
    EXPECT_TRUE(with_type(type, "{}").is_json()) << type;
  }
  for (const char* type : {"text/html", "", "json", "image/json", "text/html; x=json"}) {
    EXPECT_FALSE(with_type(type, "{}").is_json()) << type;
  }
  EXPECT_FALSE(with_status(200).is_json());
}

TEST(ResponseTest, ParsesJsonOnlyWhereItIsJson) {
  EXPECT_EQ(with_type("application/json", R"({"a":1})").json(), Json::object({{"a", 1}}));
  EXPECT_EQ(with_type("text/html", "{}").json().error().message,
            "the response is not JSON: its content type is \"text/html\"");
  EXPECT_FALSE(with_type("application/json", "{").json().has_value());
  EXPECT_FALSE(with_type("application/json", "").json().has_value());
}

TEST(ResponseTest, KeepsTheBytesOfABody) {
  // Latin-1 text came back encoded twice from the gem.
  const Response latin1 = with_type("text/html; charset=iso-8859-1", "<p>\xe9</p>");
  EXPECT_EQ(Response::from_json(latin1.to_json())->body(), "<p>\xe9</p>");
}

TEST(ResponseTest, HoldsHeadersWithLineBreaks) {
  const auto response =
      Response::from_json(*Json::parse(R"({"status":200,"headers":{"set-cookie":"a=1\nb=2"}})"));
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->headers().get("set-cookie"), "a=1\nb=2");
}

}  // namespace
}  // namespace patient_http
