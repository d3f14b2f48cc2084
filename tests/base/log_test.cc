#include "patient_http/log.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace patient_http {
namespace {

TEST(LogTest, GivesItsSinkWhatIsImportantEnough) {
  std::string lines;
  const Log log(
      [&](LogLevel level, std::string_view message) {
        lines += std::to_string(static_cast<int>(level));
        lines.append(" ").append(message).append("\n");
      },
      LogLevel::kWarn);
  const Log copy = log;
  log.debug("a");
  log.info("b");
  log.warn("c");
  copy.error("d");
  EXPECT_EQ(lines, "2 c\n3 d\n");
}

// The exception ended the process, from whichever thread had something to say.
TEST(LogTest, GoesOnWhenItsSinkThrows) {
  int calls = 0;
  const Log log([&](LogLevel, std::string_view) {
    ++calls;
    throw std::runtime_error("the disk of the log is full");
  });
  EXPECT_NO_THROW(log.error("one"));
  EXPECT_NO_THROW(log.error("two"));
  EXPECT_EQ(calls, 2);
}

TEST(LogTest, DiscardsEverythingByDefault) {
  const Log log;
  testing::internal::CaptureStderr();
  log.error("nobody hears this");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(LogTest, WritesLinesWithATimeStampOnStandardError) {
  testing::internal::CaptureStderr();
  const Log log = Log::standard_error(LogLevel::kInfo);
  log.debug("not this");
  log.warn("100% {}");
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              testing::MatchesRegex("[0-9-]+T[0-9:.]+Z warning 100% \\{\\}\n"));
}

}  // namespace
}  // namespace patient_http
