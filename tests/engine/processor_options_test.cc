#include "patient_http/processor_options.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace patient_http {
namespace {

TEST(ProcessorOptionsTest, HasTheDefaultsOfTheGem) {
  const ProcessorOptions options;
  EXPECT_TRUE(options.validate().empty());
  EXPECT_EQ(options.max_connections, 256U);
  EXPECT_EQ(options.request_timeout, Seconds(60));
  EXPECT_EQ(options.connection_timeout, std::nullopt);
  EXPECT_EQ(options.max_response_size, 1024U * 1024U);
  EXPECT_EQ(options.max_redirects, 5);
  EXPECT_EQ(options.retries, 3);
  EXPECT_EQ(options.retry_on, RetryOn{});
  EXPECT_TRUE(options.retry_on.connection);
  EXPECT_FALSE(options.retry_on.timeout);
  EXPECT_EQ(options.connection_pool_size, 100U);
  EXPECT_EQ(options.user_agent, "PatientHttp");
  EXPECT_FALSE(options.raise_error_responses);
}

TEST(ProcessorOptionsTest, NamesTheOptionThatIsOutOfRange) {
  const auto problem = [](const std::function<void(ProcessorOptions&)>& change) {
    ProcessorOptions options;
    change(options);
    const auto problems = options.validate();
    return problems.size() == 1 ? problems[0] : std::to_string(problems.size()) + " problems";
  };
  using O = ProcessorOptions;
  using testing::StartsWith;
  EXPECT_EQ(problem([](O& o) { o.max_connections = 0; }),
            "max_connections must be a positive number, got: 0");
  EXPECT_EQ(problem([](O& o) { o.max_redirects = -1; }),
            "max_redirects must be 0 or more, got: -1");
  EXPECT_EQ(problem([](O& o) { o.retries = -2; }), "retries must be 0 or more, got: -2");
  EXPECT_EQ(problem([](O& o) { o.max_header_size = 81921; }),
            "max_header_size must be 81920 or less, got: 81921");
  EXPECT_EQ(problem([](O& o) { o.user_agent = "a\nb"; }),
            R"(user_agent must be free of line breaks, got: "a\nb")");
  EXPECT_EQ(problem([](O& o) { o.name_servers = "ns.example"; }),
            "name_servers must be IP addresses separated by commas, got: ns.example");
  EXPECT_EQ(problem([](O& o) { o.max_retry_after = Seconds{-1}; }),
            "max_retry_after must be 0 or more seconds, got: -1.000000");
  EXPECT_EQ(problem([](O& o) { o.retry_on.statuses = {200}; }),
            R"(retry_on must be "connection", "timeout" or statuses from 400 to 599, got 200)");
  EXPECT_THAT(problem([](O& o) { o.max_response_size = 0; }), StartsWith("max_response_size must"));
  EXPECT_THAT(problem([](O& o) { o.body_memory = 0; }), StartsWith("body_memory must"));
  EXPECT_THAT(problem([](O& o) { o.max_header_count = 0; }), StartsWith("max_header_count must"));
  EXPECT_THAT(problem([](O& o) { o.connection_pool_size = 0; }),
              StartsWith("connection_pool_size must"));
  EXPECT_THAT(problem([](O& o) { o.delivery_threads = 0; }), StartsWith("delivery_threads must"));
  EXPECT_THAT(problem([](O& o) { o.preparer_threads = 0; }), StartsWith("preparer_threads must"));
  EXPECT_THAT(problem([](O& o) { o.preparer_threads = 257; }), StartsWith("preparer_threads must"));
}

TEST(ProcessorOptionsTest, WantsTimesThatCanPass) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const double bad : {0.0, -1.0, kInfinity, std::numeric_limits<double>::quiet_NaN()}) {
    ProcessorOptions options;
    options.request_timeout = options.resolve_timeout = Seconds{bad};
    options.connection_timeout = options.first_byte_timeout = options.idle_timeout = Seconds{bad};
    options.retry_delay = options.longest_retry_delay = Seconds{bad};
    options.idle_connection_lifetime = options.ping_interval = options.ping_timeout = Seconds{bad};
    options.max_retry_time = options.min_throughput_time = Seconds{bad};
    EXPECT_EQ(options.validate().size(), 12U) << bad;
  }
}

TEST(ProcessorOptionsTest, AllowsZeroWhereItMeansNone) {
  ProcessorOptions options{.max_redirects = 0, .retries = 0, .max_idle_connections = 0};
  options.user_agent = "";
  EXPECT_TRUE(options.validate().empty());
}

}  // namespace
}  // namespace patient_http
