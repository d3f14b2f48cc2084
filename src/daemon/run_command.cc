#include "daemon/run_command.h"

#include <unistd.h>

#include <filesystem>
#include <memory>
#include <mutex>

#include "base/uuid.h"
#include "daemon/line_reader.h"
#include "daemon/open_files.h"
#include "daemon/run_check.h"
#include "daemon/run_feeder.h"
#include "daemon/run_files.h"
#include "daemon/run_output.h"
#include "daemon/run_progress.h"
#include "daemon/run_state.h"
#include "daemon/run_writer.h"
#include "service/service_parts.h"

namespace patient_http::daemon {

namespace {

using namespace std::chrono_literals;

void print_error(const std::string& message) {
  const std::string line = "patient-http run: " + message + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

RunResult<void> make_room_for_connections(std::size_t connections) {
  raise_open_files_limit();
  if (std::string wrong = open_files_problem("--concurrency", connections, "ulimit -n");
      !wrong.empty()) {
    return run_failure(kUsage, std::move(wrong));
  }
  return {};
}

// One run, from its options to its exit status.
class Run {
 public:
  Run(RunOptions options, StopSignals& signals) : options_(std::move(options)), signals_(signals) {}
  ~Run() {
    if (input_ > STDIN_FILENO) ::close(input_);
    if (is_temporary_) {
      service_.reset();
      remove_state(options_.state);
    }
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  int execute() {
    const auto prepared = prepare();
    if (prepared && !is_stopped()) return carry_out();
    if (is_stopped()) return 128 + signals_.wait(0ms);
    print_error(prepared.error().message);
    return prepared.error().status;
  }

 private:
  [[nodiscard]] bool is_stopped() { return signals_.wait(0ms) != 0; }

  RunResult<void> prepare();
  RunResult<void> check();
  RunResult<void> open_state();
  int carry_out();
  // Until the run is complete, a signal came, or something failed.
  void watch();
  void end();
  [[nodiscard]] bool is_stuck(const RunCounts& counts);
  int conclude(const RunCounts& counts);

  RunOptions options_;
  StopSignals& signals_;
  bool is_temporary_ = false;
  int input_ = -1;
  CheckedInput checked_;
  std::unique_ptr<ServiceParts> service_;
  RunState state_;
  RunOutput output_;
  std::unique_ptr<RunTally> tally_;
  std::unique_ptr<jobs::StorePatience> patience_;
  std::unique_ptr<RunProgress> progress_;
  std::mutex progress_mutex_;
  std::unique_ptr<RunFeeder> feeder_;
  std::unique_ptr<RunWriter> writer_;
  std::chrono::steady_clock::time_point next_stuck_check_;
  int stuck_checks_ = 0;
};

RunResult<void> Run::prepare() {
  if (auto room = make_room_for_connections(options_.processor.max_connections); !room) return room;
  options_.state = resolve_state_path(options_);
  if (options_.state.empty()) {
    // Nothing says where a later start would find it: it is for this one only.
    is_temporary_ = true;
    options_.state = (std::filesystem::temp_directory_path() /
                      ("patient-http-run-" + base::random_hex(8) + ".state"))
                         .string();
  }
  signals_.restore();  // a pipe without a writer keeps us waiting here
  auto input = open_input(options_);
  signals_.block();
  if (!input) return unexpected(input.error());
  input_ = *input;
  if (auto done = check(); !done) return done;
  if (is_stopped()) return {};
  if (auto done = prepare_files(options_); !done) return done;
  if (auto done = open_state(); !done) return done;
  signals_.restore();  // and one without a reader here
  auto opened = output_.open(options_.output, {.length = state_.output_length,
                                               .tail_sha256 = state_.output_tail_sha256,
                                               .is_new = !state_.has_output,
                                               .is_fresh = options_.fresh});
  signals_.block();
  if (!opened) return opened;
  tally_ = std::make_unique<RunTally>(state_.counts);
  patience_ = std::make_unique<jobs::StorePatience>(Log::standard_error(LogLevel::kWarn));
  progress_ = std::make_unique<RunProgress>(options_.quiet, checked_.requests, state_.counts);
  feeder_ = std::make_unique<RunFeeder>(options_, input_, state_, checked_, service_->store(),
                                        *patience_, *tally_, [this](const std::string& text) {
                                          const std::lock_guard lock(progress_mutex_);
                                          progress_->say(text);
                                        });
  writer_ = std::make_unique<RunWriter>(service_->store(), service_->opener(), *patience_, output_,
                                        *tally_, options_.survives_power_cuts);
  if (state_.counts.input_done && options_.checks_first()) return {};
  return feeder_->skip_taken([this] { return is_stopped(); });
}

RunResult<void> Run::check() {
  if (!options_.checks_first()) return {};
  auto checked = check_input(
      options_.input, input_, options_.processor,
      [](const std::string& text) { print_error(text); }, [this] { return is_stopped(); });
  if (!checked) return unexpected(checked.error());
  checked_ = std::move(*checked);
  if (::lseek(input_, 0, SEEK_SET) < 0) {
    return run_failure(kUsage, "cannot read " + options_.input + " a second time");
  }
  return {};
}

RunResult<void> Run::open_state() {
  Configuration configuration;
  configuration.processor = options_.processor;
  configuration.database = options_.state;
  configuration.survives_power_cuts = options_.survives_power_cuts;
  configuration.owns_database = true;
  configuration.callbacks.threads = 0;  // RunWriter takes the results
  configuration.poison_rescues = 0;     // a person sees that it dies
  configuration.log = Log::standard_error(LogLevel::kWarn);
  auto service = ServiceParts::open(std::move(configuration));
  if (!service)
    return run_failure(kStateProblem, "cannot open the state: " + service.error().message);
  service_ = std::move(*service);
  auto state = load_run_state(service_->store());
  if (!state) return unexpected(state.error());
  state_ = std::move(*state);
  if (!state_.is_new && state_.input_sha256 != checked_.sha256) {
    return run_failure(kUsage,
                       options_.input + ": the input is not the one that " + options_.state +
                           " belongs to, or is read in another way (--lenient); nothing was "
                           "sent. Give the same input again, or start over with --fresh");
  }
  return {};
}

int Run::carry_out() {
  if (!state_.counts.is_complete()) {
    service_->start();
    writer_->start();
    if (!state_.counts.input_done) feeder_->start();
    watch();
    end();
  }
  return conclude(tally_->counts());
}

// Stops along the flow: what is in flight may end into the state, also when the output failed.
void Run::end() {
  std::chrono::milliseconds wait(0);
  if (is_stopped()) {
    wait = std::chrono::duration_cast<std::chrono::milliseconds>(options_.grace);
  } else if (tally_->failure() && service_->undelivered() == 0) {
    wait =
        std::chrono::duration_cast<std::chrono::milliseconds>(options_.processor.request_timeout);
    const std::lock_guard lock(progress_mutex_);
    progress_->say("patient-http run: " + tally_->failure()->message +
                   "; waiting for what is in flight, Ctrl-C ends at once");
  }
  // A second signal ends the program at once; the state can bear it.
  signals_.restore();
  patience_->give_up_at(std::chrono::steady_clock::now());
  feeder_->stop();
  service_->stop(wait);
  writer_->stop();
}

void Run::watch() {
  while (!tally_->failure() && signals_.wait(100ms) == 0) {
    const RunCounts counts = tally_->counts();
    if (counts.is_complete() || is_stuck(counts)) return;
    if (service_->undelivered() > 0) {
      tally_->fail({kStateProblem, "results could not be stored"});
    }
    const std::lock_guard lock(progress_mutex_);
    progress_->show(counts, service_->processor().status().occupied);
  }
}

// Everything is gone from the store, and some results never came: jobs of an older version that
// this one cannot read, and which are in the dead set.
bool Run::is_stuck(const RunCounts& counts) {
  const auto now = std::chrono::steady_clock::now();
  if (!counts.input_done || now < next_stuck_check_) return false;
  next_stuck_check_ = now + 1s;
  const auto status = service_->store().counts();
  const bool is_empty = status && status->ready + status->in_flight + status->scheduled +
                                          status->callbacks_waiting + status->callbacks_running ==
                                      0;
  stuck_checks_ = is_empty ? stuck_checks_ + 1 : 0;
  return stuck_checks_ >= 3;
}

int Run::conclude(const RunCounts& counts) {
  const std::lock_guard lock(progress_mutex_);
  if (const std::size_t lost = service_->undelivered(); lost > 0) {
    progress_->say(std::to_string(lost) +
                   " results could not be stored; their requests are sent again by "
                   "the next start");
  }
  if (const auto failure = tally_->failure()) {
    progress_->summarise(counts, "stopped");
    print_error(failure->message);
    return failure->status;
  }
  if (counts.is_complete()) {
    progress_->summarise(counts, "finished");
    return counts.failed > 0 || counts.bad_lines > 0 ? kSomeFailed : kSuccess;
  }
  if (const int signal = signals_.wait(0ms); signal != 0) {
    progress_->summarise(counts, "interrupted");
    if (!is_temporary_ && !options_.quiet)
      progress_->say("the same command goes on where it stopped");
    return 128 + signal;
  }
  print_error(std::to_string(counts.pushed - counts.written()) +
              " requests could not be carried out: " + options_.state +
              " holds them in its dead set");
  return kSomeFailed;
}

}  // namespace

int run(RunOptions options, StopSignals& signals) {
  return Run(std::move(options), signals).execute();
}

}  // namespace patient_http::daemon
