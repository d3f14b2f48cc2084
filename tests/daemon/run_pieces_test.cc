// The smaller pieces of `run`: lines, ids, the progress line.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "daemon/id_set.h"
#include "daemon/line_reader.h"
#include "daemon/run_progress.h"
#include "support/program.h"
#include "support/temporary_folder.h"

namespace patient_http::daemon {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> read_lines(const std::string& content) {
  const test::TemporaryFolder folder;
  test::write_file(folder.file("in"), content);
  const int fd = ::open(folder.file("in").c_str(), O_RDONLY);
  LineReader reader(fd);
  std::vector<std::string> lines;
  std::string whole;
  while (reader.next(1s) == LineReader::Got::kLine) {
    lines.emplace_back(reader.line());
    whole += reader.raw();
  }
  ::close(fd);
  EXPECT_EQ(whole, content) << "the raw lines are the file";
  return lines;
}

TEST(LineReaderTest, ReadsLinesOfAnyLength) {
  EXPECT_EQ(read_lines(""), std::vector<std::string>());
  EXPECT_EQ(read_lines("\n"), std::vector<std::string>{""});
  EXPECT_EQ(read_lines("a\n\nb"), (std::vector<std::string>{"a", "", "b"}));
  const std::string large(1'000'000, 'x');
  EXPECT_EQ(read_lines(large + "\n" + large), (std::vector<std::string>{large, large}));
}

TEST(LineReaderTest, SaysThatNothingCameYet) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  LineReader reader(ends[0]);
  EXPECT_EQ(reader.next(1ms), LineReader::Got::kNothingYet);
  ASSERT_EQ(::write(ends[1], "ha", 2), 2);
  EXPECT_EQ(reader.next(1ms), LineReader::Got::kNothingYet) << "half a line";
  ASSERT_EQ(::write(ends[1], "lf\n", 3), 3);
  EXPECT_EQ(reader.next(1s), LineReader::Got::kLine);
  EXPECT_EQ(reader.line(), "half");
  ::close(ends[1]);
  EXPECT_EQ(reader.next(1s), LineReader::Got::kEnd);
  ::close(ends[0]);
}

TEST(IdSetTest, KnowsWhatItHasSeen) {
  IdSet ids;
  for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(ids.insert(std::to_string(i)));
  for (int i = 0; i < 10'000; ++i) EXPECT_FALSE(ids.insert(std::to_string(i)));
  EXPECT_TRUE(ids.insert(""));
  EXPECT_FALSE(ids.insert(""));
  EXPECT_EQ(ids.size(), 10'001U);
}

TEST(RunProgressTest, SaysHowItGoesInOneLine) {
  EXPECT_EQ(
      progress_line({.done = 1234, .failed = 5, .total = 20'000, .in_flight = 256, .rate = 410}),
      "1,234 of 20,000 done (6%), 5 failed, 256 in flight, 410/s, 0:46 left");
  EXPECT_EQ(progress_line({.done = 3, .failed = 0, .total = 0, .in_flight = 1, .rate = 0}),
            "3 done, 0 failed, 1 in flight, 0/s");
  EXPECT_EQ(
      progress_line({.done = 0, .failed = 0, .total = 10'000'000, .in_flight = 1, .rate = 1000}),
      "0 of 10,000,000 done (0%), 0 failed, 1 in flight, 1000/s, 2:46:40 left");
}

}  // namespace
}  // namespace patient_http::daemon
