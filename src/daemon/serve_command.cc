#include "daemon/serve_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <exception>
#include <iostream>
#include <memory>
#include <thread>
#include <utility>

#include "daemon/exit_status.h"
#include "daemon/log_output.h"
#include "daemon/open_files.h"
#include "daemon/serve_signals.h"
#include "daemon/service_notifier.h"
#include "service/service_parts.h"
#include "version.h"

namespace patient_http::daemon {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

// Lines of a dump.
constexpr std::size_t kMostShown = 1000;
constexpr auto kDumpPatience = 5s;
// How often systemd's status line is renewed.
constexpr auto kStatusPeriod = 10s;

// One service, from its options to its exit status.
class Serve {
 public:
  Serve(const ServeArguments& arguments, const Environment& environment, GatheredOptions gathered)
      : arguments_(arguments),
        environment_(environment),
        running_(std::move(gathered)),
        notifier_(environment) {}

  int execute() {
    if (const auto started = start(); !started) return refuse(started.error().message);
    serve_until_stop();
    return stop();
  }

 private:
  Result<void> start();
  Result<void> open_service();
  int refuse(const std::string& why);
  void log_start();
  void serve_until_stop();
  int stop();

  // Signals, but for those that stop.
  void handle(int signal);
  void become_quiet();
  void dump_in_flight();
  void reload();
  void reopen_log();
  void take_over(const GatheredOptions& fresh);
  [[nodiscard]] std::vector<std::string> changes_for_restart(GatheredOptions fresh);

  // Waits for a signal, and tells systemd meanwhile that the service is well.
  [[nodiscard]] int wait();
  void give_sign_of_life();
  [[nodiscard]] std::string state_text() const;

  const ServeArguments& arguments_;
  const Environment& environment_;
  GatheredOptions running_;
  const ServiceNotifier notifier_;
  ServeSignals signals_;
  std::shared_ptr<LogOutput> output_;  // owned by the parts' logs, too
  Log log_;
  SecretManager secrets_;  // those of the processor
  Preprocessors preprocessors_;
  std::unique_ptr<ServiceParts> service_;
  std::thread quieter_;
  std::string_view state_ = "running";
  steady_clock::time_point next_sign_;
  std::atomic<bool> has_stopped_{false};
};

int Serve::refuse(const std::string& why) {
  const std::string message = "cannot start: " + why;
  log_.error(message);
  if (output_ == nullptr || !running_.options.log_file.empty())
    std::cerr << "patient-http serve: " << message << '\n';
  return kCannotStart;
}

Result<void> Serve::start() {
  raise_open_files_limit();
  const ServeOptions& options = running_.options;
  auto output = LogOutput::open(options.log_file, options.log_format, options.log_level);
  if (!output) return unexpected(std::move(output.error()));
  output_ = std::move(*output);
  log_ = LogOutput::log_to(output_);
  log_start();
  if (auto opened = open_service(); !opened) return opened;
  try {
    service_->start();
  } catch (const std::exception& error) {
    return failure(error.what());
  }
  log_.info("ready");
  notifier_.notify("READY=1\nSTATUS=" + state_text());
  return {};
}

void Serve::log_start() {
  const ServeOptions& options = running_.options;
  std::string queues;
  if (options.database.empty()) {
    for (const RedisQueue& queue : options.redis.queues)
      queues += (queues.empty() ? ", queues " : " ") + queue.name;
  }
  const auto limit = open_files_limit();
  log_.info(fmt::format("patient-http {} starts: store {}{}, max_connections {}, open files {}",
                        kVersion, running_.store_text(), queues, options.processor.max_connections,
                        limit ? std::to_string(*limit) : "unlimited"));
  if (!running_.config_file.empty()) log_.info("configuration: " + running_.config_file);
  for (const std::string& warning : running_.warnings) log_.warn(warning);
}

Result<void> Serve::open_service() {
  auto configuration = make_configuration(running_.options);
  if (!configuration) return unexpected(std::move(configuration.error()));
  configuration->log = log_;
  // What is asked on Sidekiq's page is done as if it had been asked by hand.
  if (configuration->redis) {
    configuration->redis->on_sidekiq_signal = [](int signal) { ::kill(::getpid(), signal); };
  }
  secrets_ = configuration->processor.secrets;
  preprocessors_ = configuration->processor.preprocessors;
  try {
    auto service = ServiceParts::open(std::move(*configuration));
    if (!service) {
      return failure("cannot open " + running_.store_text() + ": " + service.error().message);
    }
    service_ = std::move(*service);
  } catch (const std::exception& error) {
    return failure(error.what());
  }
  return {};
}

void Serve::serve_until_stop() {
  for (;;) {
    const int signal = wait();
    if (signal == SIGTERM || signal == SIGINT) return;
    handle(signal);
  }
}

void Serve::handle(int signal) {
  switch (signal) {
    case SIGTSTP:
      become_quiet();
      break;
    case SIGTTIN:
      dump_in_flight();
      break;
    case SIGHUP:
      reload();
      break;
    default:
      break;
  }
}

// On a thread of its own: with the store down it may take until the stop.
void Serve::become_quiet() {
  if (state_ != "running") return;
  state_ = "quiet";
  notifier_.notify("STATUS=" + state_text());
  quieter_ = std::thread([this] {
    service_->quiet();
    const auto status = service_->processor().status();
    log_.info(fmt::format("quiet: no further requests are taken, {} in flight go on",
                          status.occupied + status.parked));
  });
}

// stop() of the parts runs on a thread of its own, so that signals are heard meanwhile.
int Serve::stop() {
  const auto timeout = running_.options.shutdown_timeout;
  const auto before = service_->processor().status();
  state_ = "stopping";
  log_.info(fmt::format("stopping: {} in flight have {} s", before.occupied + before.parked,
                        Seconds(timeout).count()));
  notifier_.notify("STOPPING=1\nSTATUS=" + state_text());
  std::thread stopper([this, timeout] {
    service_->stop(timeout);
    if (quieter_.joinable()) quieter_.join();
    has_stopped_ = true;
    signals_.wake();
  });
  bool is_hurried = false;
  while (!has_stopped_) {
    const int signal = wait();
    if (signal != SIGTERM && signal != SIGINT) {
      handle(signal);
    } else if (!is_hurried) {
      is_hurried = true;
      log_.warn("stopping at once: what is in flight is put back");
      service_->hurry();
      signals_.restore_stop();
    } else {
      static_cast<void>(::raise(signal));  // by now it ends the program
    }
  }
  stopper.join();
  const auto status = service_->processor().status();
  const std::size_t undelivered = service_->undelivered();
  if (undelivered > 0) {
    log_.error(
        fmt::format("{} results could not be stored; their requests are sent again by the "
                    "next start",
                    undelivered));
  }
  const std::size_t left_behind = service_->left_behind();
  log_.info(fmt::format("stopped: since the start {} responses, {} errors; {} were put back{}",
                        status.responses, status.errors, service_->put_back(),
                        left_behind > 0 ? fmt::format(", {} are left behind", left_behind) : ""));
  return left_behind > 0 ? kLeftBehind : kSuccess;
}

void Serve::dump_in_flight() {
  const auto status = service_->processor().status();
  const auto tasks = service_->processor().in_flight(kMostShown, kDumpPatience);
  if (!tasks) {
    log_.error("in flight: the reactor does not answer");
    return;
  }
  log_.info(fmt::format(
      "in flight: {} of {}, of them {} wait for their next attempt; longest turn "
      "{} ms",
      status.occupied + status.parked, status.capacity, status.parked, status.longest_turn / 1ms));
  for (const TaskInFlight& task : *tasks) {
    log_.info(fmt::format("in flight: {} {} {} {}, {:.1f} s, attempt {}", task.id,
                          to_wire(task.method), task.host, task.phase, task.age.count(),
                          task.attempt));
  }
}

void Serve::reload() {
  if (state_ == "stopping") {
    reopen_log();
    return;
  }
  notifier_.notify_reloading();
  GatheredOptions fresh = gather_options(arguments_.flags, environment_);
  if (fresh.problems.empty()) {
    take_over(fresh);
  } else {
    reopen_log();
    for (const std::string& problem : fresh.problems) log_.error("reload: " + problem);
    log_.error("the configuration was not reloaded; the log was reopened");
  }
  notifier_.notify("READY=1");
}

void Serve::reopen_log() {
  if (const auto opened = output_->reopen(running_.options.log_file); !opened)
    log_.error(opened.error().message);
}

void Serve::take_over(const GatheredOptions& fresh) {
  ServeOptions& options = running_.options;
  const auto opened = output_->reopen(fresh.options.log_file);
  if (opened) {
    options.log_file = fresh.options.log_file;
  } else {
    log_.error(opened.error().message);
  }
  options.log_level = fresh.options.log_level;
  options.log_format = fresh.options.log_format;
  output_->set_level(options.log_level);
  output_->set_format(options.log_format);
  register_secrets(fresh.options.secrets, secrets_);
  register_preprocessors(fresh.options.preprocessors, secrets_, preprocessors_);
  log_.info(fmt::format("reloaded: the log and {} secrets", fresh.options.secrets.size()) +
            (fresh.options.preprocessors.empty()
                 ? ""
                 : fmt::format(", {} preprocessors", fresh.options.preprocessors.size())));
  for (const std::string& warning : fresh.warnings) log_.warn(warning);
  for (const std::string& name : changes_for_restart(fresh))
    log_.warn("reload: " + name + " has changed, and takes effect after a restart");
}

std::vector<std::string> Serve::changes_for_restart(GatheredOptions fresh) {
  std::vector<std::string> names;
  const auto before = options_of(running_.options);
  const auto after = options_of(fresh.options);
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i].section != "log" && toml_of(before[i].value) != toml_of(after[i].value))
      names.push_back(before[i].path());
  }
  if (running_.options.payload_stores != fresh.options.payload_stores)
    names.emplace_back("payload_stores");
  if (running_.options.encryption_keys != fresh.options.encryption_keys)
    names.emplace_back("encryption.keys");
  if (running_.options.client_certificates != fresh.options.client_certificates)
    names.emplace_back("client_certificates");
  for (const std::string& name : secrets_.names()) {
    const bool is_there =
        std::any_of(fresh.options.secrets.begin(), fresh.options.secrets.end(),
                    [&](const NamedSecret& secret) { return secret.name == name; });
    if (!is_there) names.push_back("the removal of secrets." + name);
  }
  for (const std::string& name : preprocessors_.names()) {
    const bool is_there = std::any_of(
        fresh.options.preprocessors.begin(), fresh.options.preprocessors.end(),
        [&](const PreprocessorSetup& preprocessor) { return preprocessor.name == name; });
    if (!is_there) names.push_back("the removal of preprocessors." + name);
  }
  return names;
}

int Serve::wait() {
  if (!notifier_.is_heard()) return signals_.wait(1h);
  const auto now = steady_clock::now();
  if (now >= next_sign_) {
    give_sign_of_life();
    next_sign_ = now + std::min<steady_clock::duration>(kStatusPeriod,
                                                        notifier_.watchdog_period().value_or(1h));
  }
  return signals_.wait(
      std::chrono::ceil<std::chrono::microseconds>(next_sign_ - steady_clock::now()));
}

// systemd restarts a service that gives none: only when the reactor turns.
void Serve::give_sign_of_life() {
  std::string state = "STATUS=" + state_text();
  if (const auto period = notifier_.watchdog_period()) {
    const auto patience = std::chrono::ceil<std::chrono::milliseconds>(*period / 2);
    Processor& processor = service_->processor();
    if (processor.state() == ProcessorState::kStopped || processor.in_flight(0, patience)) {
      state += "\nWATCHDOG=1";
    } else if (state_ != "stopping") {
      log_.error("the reactor does not answer: no sign of life for the watchdog");
    }
  }
  notifier_.notify(state);
}

std::string Serve::state_text() const {
  const auto status = service_->processor().status();
  return fmt::format("{}, {} of {} requests in flight{}", state_, status.occupied + status.parked,
                     status.capacity, service_->is_store_down() ? ", the store is down" : "");
}

}  // namespace

int serve(const ServeArguments& arguments, const Environment& environment) {
  GatheredOptions gathered = gather_options(arguments.flags, environment);
  for (const std::string& problem : gathered.problems) std::cerr << problem << '\n';
  if (arguments.checks_configuration) {
    for (const std::string& warning : gathered.warnings)
      std::cerr << "warning: " << warning << '\n';
  }
  if (!gathered.problems.empty()) return kUsage;
  if (arguments.prints_configuration) std::cout << configuration_text(gathered);
  if (arguments.checks_configuration) std::cout << "ok\n";
  if (arguments.prints_configuration || arguments.checks_configuration) return kSuccess;
  return Serve(arguments, environment, std::move(gathered)).execute();
}

}  // namespace patient_http::daemon
