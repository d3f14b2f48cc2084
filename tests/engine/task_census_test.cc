#include "engine/task_census.h"

#include <gtest/gtest.h>

#include "patient_http/processor.h"
#include "support/recording_task_handler.h"
#include "support/test_http_server.h"

namespace patient_http::engine {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using test::get;

std::vector<std::string> ids_of(const std::vector<TaskInFlight>& tasks) {
  std::vector<std::string> ids;
  for (const TaskInFlight& task : tasks) ids.push_back(task.id);
  return ids;
}

TEST(TaskCensusTest, KeepsTheOldestAndCountsEachOnce) {
  TaskCensus census(2);
  const auto now = steady_clock::now();
  for (const int age : {5, 7, 1, 7, 9}) {
    const std::string id = std::to_string(age);
    census.show(now - std::chrono::seconds(age), id, [&] { return TaskInFlight{.id = id}; });
  }
  census.finish();
  const auto tasks = census.wait(now);
  ASSERT_TRUE(tasks.has_value());
  EXPECT_EQ(ids_of(*tasks), (std::vector<std::string>{"9", "7"}));
}

TEST(TaskCensusTest, GivesNothingWhenNobodyFinishes) {
  TaskCensus census(2);
  EXPECT_FALSE(census.wait(steady_clock::now()).has_value());
}

TEST(TaskCensusTest, ShowsWhatAProcessorHasInFlight) {
  test::TestHttpServer server;
  server.hang("/hang");
  test::RecordingTaskHandler handler;
  Processor processor(ProcessorOptions{.max_connections = 3});
  EXPECT_FALSE(processor.in_flight(10, 0ms).has_value()) << "nobody turns the reactor";
  processor.start();
  ASSERT_TRUE(processor.enqueue(get(server.url("/hang?key=1"), handler, "a")).has_value());
  ASSERT_TRUE(server.wait_for_requests("/hang"));
  ASSERT_TRUE(processor.enqueue(get(server.url("/hang?key=2"), handler, "b")).has_value());
  ASSERT_TRUE(server.wait_for_requests("/hang", 2));

  const auto all = processor.in_flight(10, 10s);
  const auto oldest = processor.in_flight(1, 10s);
  const auto none = processor.in_flight(0, 10s);

  ASSERT_TRUE(all.has_value() && oldest.has_value() && none.has_value());
  EXPECT_EQ(ids_of(*all), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(all->at(0).host, "127.0.0.1:" + std::to_string(server.port()));
  EXPECT_EQ(all->at(0).phase, "wait");
  EXPECT_EQ(all->at(0).attempt, 1);
  EXPECT_GT(all->at(0).age, all->at(1).age);
  EXPECT_EQ(ids_of(*oldest), std::vector<std::string>{"a"});
  EXPECT_TRUE(none->empty());
}

TEST(TaskCensusTest, InterruptGivesEverythingBackAtOnce) {
  test::TestHttpServer server;
  server.hang("/hang");
  test::RecordingTaskHandler handler;
  Processor processor(ProcessorOptions{});
  processor.start();
  ASSERT_TRUE(processor.enqueue(get(server.url("/hang"), handler, "slow")).has_value());
  ASSERT_TRUE(server.wait_for_requests("/hang"));

  processor.interrupt();
  processor.stop(1h);

  ASSERT_EQ(handler.wait_for(1).size(), 1U);
  EXPECT_TRUE(handler.wait_for(1)[0].is_retry());
  EXPECT_EQ(processor.status().interrupted, 1U);
  processor.start();
  ASSERT_TRUE(processor.enqueue(get(server.url("/"), handler, "next")).has_value());
  ASSERT_EQ(handler.wait_for(2).size(), 2U);
  EXPECT_TRUE(handler.wait_for(2)[1].response.has_value());
  EXPECT_EQ(processor.status().responses, 1U);
}

}  // namespace
}  // namespace patient_http::engine
