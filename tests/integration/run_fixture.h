#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "patient_http/json.h"
#include "support/program.h"
#include "support/temporary_folder.h"
#include "support/test_http_server.h"

namespace patient_http {

// A folder with the files of a run, and the program that carries it out.
class RunFixture : public testing::Test {
 protected:
  // `patient-http run <input> --output <output> …`, to its end. Gives the exit status.
  int run(std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.begin(), {"run", input_, "--output", output_});
    test::Program program("patient-http", arguments);
    const int status = program.wait();
    errors_ = program.errors();
    return status;
  }

  void write_input(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    test::write_file(input_, text);
  }

  // The lines of output by the text of their id. Fails the test when one is no JSON or comes twice.
  [[nodiscard]] std::map<std::string, Json> results() const {
    return results_of(test::read_file(output_));
  }

  [[nodiscard]] static std::map<std::string, Json> results_of(const std::string& text) {
    std::map<std::string, Json> results;
    EXPECT_TRUE(text.empty() || text.back() == '\n') << "the output ends in half a line";
    for (const std::string& line : test::lines_of(text)) {
      auto json = Json::parse(line);
      EXPECT_TRUE(json.has_value() && json->find("id") != nullptr) << line.substr(0, 200);
      if (!json || json->find("id") == nullptr) continue;
      const Json& id = *json->find("id");
      const std::string key = id.is_string() ? *id.if_string() : std::string(id.number_text());
      EXPECT_TRUE(results.emplace(key, *json).second) << "twice in the output: " << key;
    }
    return results;
  }

  test::TemporaryFolder folder_;
  const std::string input_ = folder_.file("requests.jsonl");
  const std::string output_ = folder_.file("results.jsonl");
  const std::string state_ = output_ + ".state";
  std::string errors_;  // of the last run
};

// And the server that its requests go to.
class RunServerFixture : public RunFixture {
 protected:
  [[nodiscard]] std::string line(const std::string& path, const std::string& more = "") const {
    return "{\"url\":\"" + server_.url(path) + "\"" + (more.empty() ? "" : "," + more) + "}";
  }

  test::TestHttpServer server_;
};

}  // namespace patient_http
