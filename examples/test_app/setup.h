// How the service of the test application is set up.
#pragma once

#include <string>

#include "patient_http/configuration.h"

namespace test_app {

// Callbacks that print what they got, payloads of more than 1 KB in files beside the database,
// encryption when TEST_APP_KEY is set (several keys: separated by commas), a secret and a
// preprocessor. Throws std::runtime_error when the payload store cannot be opened.
[[nodiscard]] patient_http::Configuration configure(const std::string& database);

// The secret's value, so that what came back can be searched for it.
inline constexpr const char* kSecretValue = "test-app-secret-value";

}  // namespace test_app
