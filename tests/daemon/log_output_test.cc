#include "daemon/log_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "patient_http/json.h"
#include "support/program.h"
#include "support/temporary_folder.h"

namespace patient_http::daemon {
namespace {

using testing::MatchesRegex;

TEST(LogOutputTest, WritesALinePerMessageInText) {
  test::TemporaryFolder folder;
  const std::string path = folder.file("log");
  const auto output = LogOutput::open(path, LogFormat::kText, LogLevel::kInfo).value();
  const Log log = LogOutput::log_to(output);
  log.debug("not this");
  log.info("two\nlines");
  EXPECT_THAT(test::read_file(path),
              MatchesRegex("[0-9]{4}-[0-9-]+T[0-9:]+\\.[0-9]{3}Z info two lines\n"));
}

TEST(LogOutputTest, WritesAnObjectPerMessageInJson) {
  test::TemporaryFolder folder;
  const std::string path = folder.file("log");
  const auto output = LogOutput::open(path, LogFormat::kJson, LogLevel::kInfo).value();
  LogOutput::log_to(output).warn("a \"quoted\"\nline \xff");
  const auto line = Json::parse(test::read_file(path));
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(*line->find("level")->if_string(), "warning");
  EXPECT_EQ(*line->find("message")->if_string(), "a \"quoted\"\nline \xEF\xBF\xBD");
  EXPECT_EQ(line->find("pid")->number_text(), std::to_string(::getpid()));
  EXPECT_THAT(*line->find("time")->if_string(), MatchesRegex("[0-9-]+T[0-9:.]+Z"));
}

TEST(LogOutputTest, OpensItsFileAnewAndChangesItsLevel) {
  test::TemporaryFolder folder;
  const std::string path = folder.file("log");
  const auto output = LogOutput::open(path, LogFormat::kText, LogLevel::kInfo).value();
  const Log log = LogOutput::log_to(output);
  log.info("first");
  std::filesystem::rename(path, path + ".1");
  ASSERT_TRUE(output->reopen(path).has_value());
  output->set_level(LogLevel::kError);
  log.warn("second");
  log.error("third");
  EXPECT_EQ(test::lines_of(test::read_file(path + ".1")).size(), 1U);
  EXPECT_THAT(test::read_file(path), MatchesRegex("[^ ]+ error third\n"));
}

TEST(LogOutputTest, KeepsTheOldFileWhenTheNewOneCannotBeOpened) {
  test::TemporaryFolder folder;
  const std::string path = folder.file("log");
  const auto output = LogOutput::open(path, LogFormat::kText, LogLevel::kInfo).value();
  const auto opened = output->reopen(folder.file("missing/log"));
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().message, "cannot open the log file " + folder.file("missing/log") +
                                        ": No such file or directory");
  LogOutput::log_to(output).info("still here");
  EXPECT_FALSE(test::read_file(path).empty());
}

TEST(LogOutputTest, LosesWhatDoesNotFitOnAFullDisk) {
  const auto output = LogOutput::open("/dev/full", LogFormat::kText, LogLevel::kInfo).value();
  LogOutput::log_to(output).error("nobody reads this");
}

}  // namespace
}  // namespace patient_http::daemon
