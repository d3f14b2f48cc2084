#include "engine/observer_feed.h"

#include <gtest/gtest.h>

#include "support/recording_task_handler.h"

namespace patient_http::engine {
namespace {

class Words final : public ProcessorObserver {
 public:
  void start() override { words.push_back("start"); }
  void stop() override { words.push_back("stop"); }
  void request_start(const ObservedRequest& request) override {
    words.push_back("begin " + request.id);
    EXPECT_TRUE(ObserverFeed::is_observer_thread());
    if (throws) throw std::runtime_error("an observer's own trouble");
  }
  void request_end(const ObservedRequest& request, int, Seconds) override {
    words.push_back("end " + request.id);
  }

  std::vector<std::string> words;  // read after stop()
  bool throws = false;
};

class ObserverFeedTest : public testing::Test {
 protected:
  Settlement settlement(bool was_started) {
    return {SettledTask{test::get("http://h/", handler_, "a"), Interrupted{}}, BodyCharge(budget_),
            was_started, 0, Seconds{}};
  }

  test::RecordingTaskHandler handler_;
  BodyBudget budget_{100, [] {}};
  ObserverFeed feed_;
  Words first_;
  Words second_;
};

TEST_F(ObserverFeedTest, TellsEveryObserverInOrder) {
  feed_.add(first_);
  feed_.add(second_);
  feed_.start();
  feed_.request_started(*test::get("http://h/", handler_, "a"));
  feed_.request_settled(settlement(true));
  feed_.stop();
  EXPECT_EQ(first_.words, (std::vector<std::string>{"start", "begin a", "end a", "stop"}));
  EXPECT_EQ(second_.words, first_.words);
}

TEST_F(ObserverFeedTest, TellsOfNoEndWithoutABeginning) {
  feed_.add(first_);
  feed_.start();
  feed_.request_settled(settlement(false));
  feed_.stop();
  EXPECT_EQ(first_.words, (std::vector<std::string>{"start", "stop"}));
}

TEST_F(ObserverFeedTest, SurvivesObserversThatThrow) {
  first_.throws = true;
  feed_.add(first_);
  feed_.add(second_);
  feed_.start();
  feed_.request_started(*test::get("http://h/", handler_, "a"));
  feed_.request_settled(settlement(true));
  feed_.stop();
  EXPECT_EQ(first_.words.back(), "stop");
  EXPECT_EQ(second_.words, first_.words);
}

TEST_F(ObserverFeedTest, CanBeStartedAgain) {
  feed_.add(first_);
  for (int round = 0; round < 2; ++round) {
    feed_.start();
    feed_.stop();
    feed_.stop();
  }
  EXPECT_EQ(first_.words, (std::vector<std::string>{"start", "stop", "start", "stop"}));
}

TEST_F(ObserverFeedTest, CostsNothingWithoutObservers) {
  feed_.start();
  feed_.request_settled(settlement(true));
  feed_.stop();
  EXPECT_TRUE(first_.words.empty());
}

}  // namespace
}  // namespace patient_http::engine
