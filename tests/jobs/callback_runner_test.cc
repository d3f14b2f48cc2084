#include "jobs/callback_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "jobs/user_exception.h"

namespace patient_http::jobs {
namespace {

using testing::HasSubstr;

JobFailure failure_of(const CallbackRunner& runner, const std::string& callback) {
  try {
    runner.run(callback, Response({.status = 200}));
  } catch (...) {
    return describe_exception(std::current_exception());
  }
  return {};
}

TEST(CallbackRunnerTest, NamesACallbackThatNobodyRegistered) {
  const CallbackOptions options;
  EXPECT_EQ(failure_of(CallbackRunner(options, Log()), "Other\xff").message,
            "no callback is registered as \"Other\xEF\xBF\xBD\"");
}

TEST(CallbackRunnerTest, SaysThatNoObjectWasMade) {
  CallbackOptions options;
  options.add("Nothing", [] { return std::unique_ptr<Callback>(); });
  const JobFailure failure = failure_of(CallbackRunner(options, Log()), "Nothing");
  EXPECT_EQ(failure.error_class, "std::logic_error");
  EXPECT_THAT(failure.message, HasSubstr("gave none"));
}

// A null pointer from what() ended the process, as did each start that ran the callback again.
TEST(DescribeExceptionTest, TakesAnExceptionThatSaysNothing) {
  struct Silent final : std::exception {
    [[nodiscard]] const char* what() const noexcept override { return nullptr; }
  };
  EXPECT_EQ(describe_exception(std::make_exception_ptr(Silent())).message, "");
}

// The log and the reason in the dead set had all of it.
TEST(DescribeExceptionTest, ShortensWhatIsVeryLong) {
  const std::runtime_error error(std::string(1'000'000, 'x'));
  EXPECT_EQ(describe_exception(std::make_exception_ptr(error)).message, std::string(10'000, 'x'));
}

TEST(CallbackRunnerTest, LogsWhatOnRetriesExhaustedThrows) {
  std::string logged;
  CallbackOptions options;
  options.on_retries_exhausted = [](const Error&) { throw std::runtime_error("told to"); };
  const CallbackRunner runner(options,
                              Log([&](LogLevel, std::string_view line) { logged = line; }));
  runner.exhausted(RequestError({.kind = ErrorKind::kRefused}));
  EXPECT_EQ(logged, "on_retries_exhausted threw std::runtime_error: told to");
}

TEST(UserExceptionTest, TellsTheClassOfWhateverWasThrown) {
  const auto described = [](auto thrown) {
    return describe_exception(std::make_exception_ptr(thrown)).error_class;
  };
  EXPECT_EQ(described(std::out_of_range("x")), "std::out_of_range");
  EXPECT_EQ(described(7), "int");
}

}  // namespace
}  // namespace patient_http::jobs
