// `patient-http run` that is stopped, or whose input or output fails, and that goes on.

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>

#include "integration/run_fixture.h"

namespace patient_http {
namespace {

using test::Program;
using test::ReceivedRequest;
using test::ServerConnection;
using test::TestHttpServer;
using testing::HasSubstr;

class RunInterruptionTest : public RunServerFixture {};

TEST_F(RunInterruptionTest, EndsAtASignalWhileAPipeKeepsItWaiting) {
  const std::string fifo = folder_.file("fifo");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  write_input({line("/")});
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"run", input_, "--output", fifo},
        {"run", fifo, "--output", output_, "--lenient"}}) {
    Program program("patient-http", arguments);
    // Again and again: it may not have come to where it waits.
    EXPECT_TRUE(test::wait_until([&] {
      program.signal(SIGINT);
      return program.has_ended();
    }));
    EXPECT_THAT(program.wait(), testing::AnyOf(130, 1000 + SIGINT));
  }
}

TEST_F(RunInterruptionTest, LetsWhatIsInFlightEndIntoTheStateWhenTheOutputFails) {
  server_.on("/slow", [this](const ReceivedRequest&, ServerConnection& peer) {
    server_.wait_for_release();
    peer.send(TestHttpServer::response(200, "paid for"));
  });
  write_input({line("/slow"), line("/")});
  Program full("patient-http", {"run", input_, "--output", "/dev/full", "--state", state_});
  ASSERT_TRUE(server_.wait_for_requests("/slow"));
  ASSERT_TRUE(test::wait_until(
      [&] { return full.errors().find("waiting for what is in flight") != std::string::npos; }));
  server_.release();
  EXPECT_EQ(full.wait(), 3);
  EXPECT_EQ(run({"--state", state_}), 0) << errors_;
  EXPECT_EQ(results().size(), 2U);
  EXPECT_EQ(server_.requests().size(), 2U);
}

TEST_F(RunInterruptionTest, PutsBackWhatIsInFlightAtCtrlCAndGoesOnNextTime) {
  std::atomic<int> calls{0};
  server_.on("/slow", [&](const ReceivedRequest&, ServerConnection& peer) {
    if (++calls == 1) {
      peer.wait_for_peer_to_close();
    } else {
      peer.send(TestHttpServer::response(200, "second time"));
    }
  });
  write_input({line("/"), line("/slow"), line("/")});
  Program program("patient-http", {"run", input_, "--output", output_});
  ASSERT_TRUE(server_.wait_for_requests("/slow"));
  ASSERT_TRUE(server_.wait_for_requests("/", 2));
  ASSERT_TRUE(
      test::wait_until([&] { return test::lines_of(test::read_file(output_)).size() == 2; }));

  program.signal(SIGINT);

  EXPECT_EQ(program.wait(), 130);
  EXPECT_THAT(program.errors(), HasSubstr("the same command goes on where it stopped"));
  EXPECT_EQ(results().size(), 2U);
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(results().size(), 3U);
  EXPECT_EQ(server_.requests().size(), 4U) << "only what was in flight was sent again";
}

TEST_F(RunInterruptionTest, WaitsForWhatIsInFlightWithinTheGrace) {
  server_.on("/slow", [this](const ReceivedRequest&, ServerConnection& peer) {
    server_.wait_for_release();
    peer.send(TestHttpServer::response(200, "in time"));
  });
  write_input({line("/slow")});
  Program program("patient-http", {"run", input_, "--output", output_, "--grace", "60"});
  ASSERT_TRUE(server_.wait_for_requests("/slow"));
  program.signal(SIGINT);
  server_.release();
  EXPECT_THAT(program.wait(), testing::AnyOf(0, 130));
  EXPECT_EQ(results().size(), 1U);
}

TEST_F(RunInterruptionTest, ResumesAPipeWithAStateWhenItIsFedTheSameInput) {
  server_.answer("/", 200, "ok");
  write_input({line("/"), line("/", R"("id":"x")")});
  const std::vector<std::string> arguments = {"run", "-", "--output", output_, "--state", state_};
  Program first("patient-http", arguments, {.input_file = input_});
  EXPECT_EQ(first.wait(), 0);
  write_input(
      {line("/"), line("/", R"("id":"x")"), line("/", R"("id":"x")"), line("/", R"("id":"y")")});
  Program longer("patient-http", arguments, {.input_file = input_});
  EXPECT_EQ(longer.wait(), 0) << "the input had ended";
  EXPECT_EQ(results().size(), 2U);
  write_input({line("/other")});
  Program other("patient-http", arguments, {.input_file = input_});
  EXPECT_EQ(other.wait(), 2);
  EXPECT_EQ(server_.requests().size(), 2U);
}

TEST_F(RunInterruptionTest, KeepsResultsThatItCannotWrite) {
  write_input({line("/"), line("/")});
  Program full("patient-http", {"run", input_, "--output", "/dev/full", "--state", state_});
  EXPECT_EQ(full.wait(), 3);
  EXPECT_THAT(full.errors(), HasSubstr("cannot write to /dev/full: No space left on device"));
  const std::size_t sent = server_.requests().size();
  EXPECT_EQ(run({"--state", state_}), 0) << errors_;
  EXPECT_EQ(results().size(), 2U);
  EXPECT_EQ(server_.requests().size(), 2U) << "of which " << sent << " were sent before";
}

// The signal ended it, and with it what was in flight.
TEST_F(RunInterruptionTest, TakesALimitOfFileSizesAsAFullDisk) {
  write_input({line("/")});
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{1024, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  Program program("patient-http", {"run", input_, "--output", output_});
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(program.wait(), 3);
  EXPECT_EQ(run(), 0) << errors_;
  EXPECT_EQ(results().size(), 1U);
}

TEST_F(RunInterruptionTest, EndsWhenTheReaderOfItsOutputGoesAway) {
  write_input({line("/"), line("/")});
  Program program("patient-http", {"run", input_, "--state", state_}, {.pipes_output = true});
  program.close_output();
  EXPECT_EQ(program.wait(), 3);
}

}  // namespace
}  // namespace patient_http
