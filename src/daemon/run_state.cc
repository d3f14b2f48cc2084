#include "daemon/run_state.h"

#include <charconv>

namespace patient_http::daemon {

namespace {

constexpr const char* kLines = "run.lines";
constexpr const char* kPushed = "run.pushed";
constexpr const char* kBadLines = "run.bad_lines";
constexpr const char* kInputDone = "run.input_done";
constexpr const char* kInputHash = "run.input_sha256";
constexpr const char* kPrefixHash = "run.prefix_sha256";
constexpr const char* kSucceeded = "run.succeeded";
constexpr const char* kFailed = "run.failed";
constexpr const char* kOutputLength = "run.output_length";
constexpr const char* kOutputTail = "run.output_tail_sha256";

class Reader {
 public:
  explicit Reader(jobs::JobStore& store) : store_(store) {}

  void read(const char* key, std::string& text) {
    auto note = store_.note(key);
    if (!note) {
      if (!failure_) failure_ = note.error().message;
    } else if (*note) {
      text = std::move(**note);
      found_ = true;
    }
  }
  void read(const char* key, std::uint64_t& number) {
    std::string text;
    read(key, text);
    if (text.empty()) return;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if ((error != std::errc() || end != text.data() + text.size()) && !failure_) {
      failure_ = std::string("the note ") + key + " is no number";
    }
  }
  [[nodiscard]] bool found() const { return found_; }
  [[nodiscard]] const std::optional<std::string>& failure() const { return failure_; }

 private:
  jobs::JobStore& store_;
  bool found_ = false;
  std::optional<std::string> failure_;
};

}  // namespace

RunResult<RunState> load_run_state(jobs::JobStore& store) {
  RunState state;
  std::uint64_t input_done = 0;
  Reader reader(store);
  reader.read(kLines, state.counts.lines);
  reader.read(kPushed, state.counts.pushed);
  reader.read(kBadLines, state.counts.bad_lines);
  reader.read(kInputDone, input_done);
  reader.read(kInputHash, state.input_sha256);
  reader.read(kPrefixHash, state.prefix_sha256);
  reader.read(kSucceeded, state.counts.succeeded);
  reader.read(kFailed, state.counts.failed);
  std::string output_length;
  reader.read(kOutputLength, output_length);
  state.has_output = !output_length.empty();
  reader.read(kOutputLength, state.output_length);
  reader.read(kOutputTail, state.output_tail_sha256);
  if (reader.failure())
    return run_failure(kStateProblem, "cannot read the state: " + *reader.failure());
  state.counts.input_done = input_done != 0;
  state.is_new = !reader.found();
  return state;
}

std::vector<jobs::Note> input_notes(const RunCounts& counts, const std::string& input_sha256,
                                    const std::string& prefix_sha256) {
  return {{kLines, std::to_string(counts.lines)},
          {kPushed, std::to_string(counts.pushed)},
          {kBadLines, std::to_string(counts.bad_lines)},
          {kInputDone, counts.input_done ? "1" : "0"},
          {kInputHash, input_sha256},
          {kPrefixHash, prefix_sha256}};
}

std::vector<jobs::Note> output_notes(const RunCounts& counts, std::uint64_t output_length,
                                     const std::string& output_tail_sha256) {
  return {{kSucceeded, std::to_string(counts.succeeded)},
          {kFailed, std::to_string(counts.failed)},
          {kOutputLength, std::to_string(output_length)},
          {kOutputTail, output_tail_sha256}};
}

}  // namespace patient_http::daemon
