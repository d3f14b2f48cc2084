#include "network/neighbours.h"

#include <gtest/gtest.h>

#include "patient_http/processor.h"
#include "support/test_http_server.h"

namespace patient_http::test {

using namespace std::chrono_literals;

std::string text_of(const RecordedOutcome& outcome) {
  if (outcome.is_retry()) return "retry";
  if (outcome.error) return "error " + std::string(to_string(outcome.error->kind()));
  return outcome.response->body().value_or("(none)");
}

Outcome outcome_among_neighbours(RequestOptions request, const ProcessorOptions& options) {
  constexpr std::size_t kLasting = 5;
  constexpr std::size_t kPassing = 5;
  TestHttpServer server;
  // Steadily, so that no idle timeout that is being tested ends them.
  server.on("/lasting", [&server](const ReceivedRequest&, ServerConnection& peer) {
    peer.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    while (!server.wait_for_release(50ms)) peer.send("1\r\n.\r\n");
    peer.send("4\r\nlast\r\n0\r\n\r\n");
  });
  const Seconds patience{60};
  RecordingTaskHandler lasting;
  RecordingTaskHandler passing;
  RecordingTaskHandler handler;
  Processor processor(options);
  processor.start();

  for (std::size_t i = 0; i < kLasting; ++i) {
    EXPECT_TRUE(
        processor.enqueue(make_task({.url = server.url("/lasting"), .timeout = patience}, lasting))
            .has_value());
  }
  EXPECT_TRUE(server.wait_for_requests("/lasting", kLasting));
  const auto began = std::chrono::steady_clock::now();
  EXPECT_TRUE(processor.enqueue(make_task(std::move(request), handler)).has_value());
  for (std::size_t i = 0; i < kPassing; ++i) {
    EXPECT_TRUE(processor.enqueue(make_task({.url = server.url("/"), .timeout = patience}, passing))
                    .has_value());
  }
  for (const RecordedOutcome& outcome : passing.wait_for(kPassing)) {
    EXPECT_EQ(text_of(outcome), "ok") << "a neighbour that came and went";
  }
  const auto outcomes = handler.wait_for(1);
  server.release();
  const auto lasted = lasting.wait_for(kLasting);
  EXPECT_EQ(lasted.size(), kLasting);
  for (const RecordedOutcome& outcome : lasted) {
    EXPECT_TRUE(text_of(outcome).ends_with("last")) << text_of(outcome)
                                                    << " of"
                                                       "a neighbour that was there all the while";
  }
  if (outcomes.size() != 1)
    return {.text = "settled " + std::to_string(outcomes.size()) + " times"};
  const RecordedOutcome& outcome = outcomes[0];
  return {.text = text_of(outcome),
          .message = outcome.error ? outcome.error->message() : "",
          .took = outcome.at - began};
}

}  // namespace patient_http::test
