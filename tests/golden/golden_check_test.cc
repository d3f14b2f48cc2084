#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "support/checkout.h"

// Runs golden_check on copies of the golden folder in which something is changed: it must notice.

namespace {

namespace fs = std::filesystem;

struct Finished {
  int exit_status = -1;
  std::string output;
};

Finished golden_check(const std::string& arguments) {
  const std::string command = std::string(PATIENT_HTTP_BUILD_DIR "/golden_check ") + arguments;
  Finished run;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (!pipe) return run;
  char buffer[4096];
  while (const std::size_t read = fread(buffer, 1, sizeof buffer, pipe)) {
    run.output.append(buffer, read);
  }
  const int status = pclose(pipe);
  if (WIFEXITED(status)) run.exit_status = WEXITSTATUS(status);
  return run;
}

class GoldenCheckTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "golden_check_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    fs::copy(PATIENT_HTTP_SOURCE_DIR "/tests/data/golden", folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // Replaces the first `from` in a file.
  void change(const char* file, const std::string& from, const std::string& to) {
    std::ifstream in(folder_ / file);
    std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    std::ofstream(folder_ / file) << text.replace(at, from.size(), to);
  }

  fs::path folder_;
};

TEST_F(GoldenCheckTest, PassesWhatWasRecorded) {
  const Finished run = golden_check(folder_.string());
  EXPECT_EQ(run.exit_status, 0) << run.output;
  EXPECT_THAT(run.output, testing::EndsWith(" passed, 0 failed\n"));
  EXPECT_THAT(run.output, testing::Not(testing::HasSubstr("prepared")));
}

TEST_F(GoldenCheckTest, NoticesAChangeInEveryFile) {
  change("request_as_json.json", R"(\"timeout\":0.25)", R"(\"timeout\":0.5)");
  change("payload.json", R"(\"charset\":\"UTF-8\")", R"(\"charset\":\"US-ASCII\")");
  change("payload_decode.json", R"("b64": "YWJj")", R"("b64": "YWJk")");
  change("response_as_json.json", R"("success": true)", R"("success": false)");
  change("errors.json", "HTTP 404 response", "HTTP 405 response");
  change("request_template.json", "https://api.example.com/v1/x", "https://api.example.com/v1/y");
  change("redirect_task.json", "http://a.com/y?z=1", "http://a.com/z?z=1");
  change("http_headers.json", R"("include_x": true)", R"("include_x": false)");
  change("sidekiq_request_jobs.json", R"(\"timeout\":2.5)", R"(\"timeout\":-2.5)");
  change("sidekiq_callback_jobs.json", R"(\"status\":204)", R"(\"status\":null)");
  change("encryptor.json", R"("tag_hex": "39778c)", R"("tag_hex": "39778d)");

  const Finished run = golden_check(folder_.string());

  EXPECT_EQ(run.exit_status, 1);
  for (const char* file : {"request_as_json", "payload", "payload_decode", "response_as_json",
                           "errors", "request_template", "redirect_task", "http_headers",
                           "sidekiq_request_jobs", "sidekiq_callback_jobs", "encryptor"}) {
    EXPECT_THAT("\n" + run.output,
                testing::ContainsRegex(std::string("\n") + file + ".json: .*, 1 failed\n"))
        << file;
  }
  EXPECT_THAT(run.output, testing::EndsWith(", 11 failed\n"));
}

TEST_F(GoldenCheckTest, NoticesAChangeInPreparedParts) {
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"items?k&n=42", "items?k=&n=42"},
           {"\"Bearer t0k=en &x\"", "\"Bearer other\""},
           {"|7|11111111-2222", "|8|11111111-2222"},
           {"\"message\": \"pp boom\"", "\"message\": \"pp other\""},
           {"No secret registered for \\\"nope\\\"", "No secret registered for \\\"other\\\""}}) {
    change("request_as_json.json", from, to);
    const Finished run = golden_check(folder_.string());
    EXPECT_THAT(run.output, testing::EndsWith(", 1 failed\n")) << from;
    change("request_as_json.json", to, from);
  }
}

TEST_F(GoldenCheckTest, NeedsTheDeviations) {
  fs::remove(folder_ / "DEVIATIONS.json");
  const Finished run = golden_check(folder_.string());
  EXPECT_EQ(run.exit_status, 1);
  EXPECT_THAT(run.output, testing::HasSubstr("FAILED url_relative: "));
}

TEST_F(GoldenCheckTest, FailsOnAFileThatIsNotJson) {
  std::ofstream(folder_ / "errors.json") << "[{";
  const Finished run = golden_check(folder_.string());
  EXPECT_EQ(run.exit_status, 1);
  EXPECT_THAT(run.output, testing::HasSubstr("FAILED the file: invalid JSON"));
}

TEST_F(GoldenCheckTest, DoesNotMissFilesThatAreNotThere) {
  fs::remove(folder_ / "errors.json");
  const Finished run = golden_check(folder_.string());
  EXPECT_EQ(run.exit_status, 0);
  EXPECT_THAT(run.output, testing::Not(testing::HasSubstr("errors.json")));
}

TEST_F(GoldenCheckTest, ExplainsItsUsage) {
  for (const char* arguments : {"", "/no/such/folder", "a b"}) {
    const Finished run = golden_check(arguments);
    EXPECT_EQ(run.exit_status, 2) << arguments;
    EXPECT_THAT(run.output, testing::HasSubstr("usage: golden_check DIR"));
  }
}

}  // namespace
