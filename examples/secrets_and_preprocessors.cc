// Sends a request with secrets, and signs it on its way:
//
//   API_TOKEN=… example_secrets_and_preprocessors http://localhost:8080/orders
//
// What is stored and logged about a request holds names of secrets, never their values. For the
// sake of brevity this runs inline, without a database; a Service is set up in the same way.

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "patient_http/inline_service.h"

namespace {

using patient_http::OutgoingRequest;
using patient_http::SecretReference;

// A function is asked for each request that is sent, so that a value that changes is found. It may
// block; what it throws fails the request, with secret_not_found.
std::optional<std::string> api_token() {
  const char* value = std::getenv("API_TOKEN");
  if (value == nullptr) throw std::runtime_error("API_TOKEN is not set");
  return value;
}

std::string hmac_sha256(const std::string& key, const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    std::array<char, 3> two{};
    std::snprintf(two.data(), two.size(), "%02x", digest[i]);
    hex += two.data();
  }
  return hex;
}

// Sees the request as it is about to be sent, with its secrets filled in.
void sign(OutgoingRequest& request) {
  const std::string text = std::string(to_string(request.method())) + "\n" +
                           std::string(request.header("x-date").value_or("")) + "\n" +
                           request.body().value_or("");
  request.set_header("x-signature", hmac_sha256("signing key", text));
}

class Ordered final : public patient_http::Callback {
 public:
  void on_complete(const patient_http::Response& response) override {
    std::printf("%d from %s\n", response.status(), response.url().c_str());
  }
  void on_error(const patient_http::Error& error) override {
    std::printf("%s: %s\n", std::string(to_string(error.kind())).c_str(), error.message().c_str());
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "Usage: %s URL\n", argv[0]);
    return 2;
  }
  // For the whole process: found by every service that has no secret of that name.
  patient_http::register_secret("account", "account-42");

  patient_http::Configuration configuration;
  configuration.register_secret("api_token", api_token);
  configuration.register_secret("tenant", "tenant-7");
  configuration.register_preprocessor(
      "date", [](OutgoingRequest& request) { request.set_header("x-date", "2025-01-01"); });
  configuration.register_preprocessor("sign", sign);
  configuration.register_callback<Ordered>("Ordered");
  patient_http::InlineService service(configuration);

  const patient_http::Request request =
      patient_http::Request::create(
          {.method = patient_http::HttpMethod::kPost,
           .url = argv[1],
           .headers = {{"authorization", *SecretReference::create("api_token")},
                       {"x-account", *SecretReference::create("account")}},
           .params = {{"tenant", SecretReference::create("tenant")->to_json()}},
           .json = patient_http::Json::object({{"order", 1}}),
           // In this order: the signature covers the date.
           .preprocessors = {"date", "sign"}})
          .value();
  std::printf("stored: %s\n", request.to_json().dump().c_str());
  const auto id = service.client().execute(request, {.callback = "Ordered"});
  if (!id) std::printf("refused: %s\n", id.error().message.c_str());
}
