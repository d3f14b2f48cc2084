#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "patient_http/client.h"
#include "patient_http/configuration.h"
#include "patient_http/request_handler.h"
#include "patient_http/result.h"
#include "patient_http/service_status.h"

namespace patient_http {

// Carries out requests durably, and hands each result to a callback: the embedded store, the
// processor that sends, the threads that run callbacks.
//
// What was accepted is in the store. A request whose process died is sent again by the next one
// that opens the store; a result that was stored is handed over once; a callback runs until it
// succeeds, or has used up its tries and is kept among the dead.
//
// Thread safety: all methods may be called from any thread; stop(), and the destructor, not from
// a callback, a hook, a preprocessor, the function of a secret, an observer or
// RedisOptions::on_sidekiq_signal: stop() then throws std::logic_error.
class Service final : public RequestHandler {
 public:
  // Opens the store; nothing runs yet, but requests are accepted. Throws std::invalid_argument
  // when the configuration is not valid, std::runtime_error as Processor does.
  [[nodiscard]] static Result<std::unique_ptr<Service>> open(Configuration configuration);
  // Stops at once.
  ~Service() override;

  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Rescues what dead processes left, carries out requests, runs callbacks, and registers itself
  // as the process's RequestHandler. Does nothing when started.
  void start();
  // Takes no further requests from the store; those in flight, and callbacks, go on.
  void quiet();
  // Waits up to `timeout` for requests in flight and puts the rest back into the store, in their
  // order; then waits for callbacks that run, however long, and takes back its registration.
  // Nothing runs after it returns; what is submitted later waits in the store. Does nothing when
  // stopped. start() may follow.
  void stop(std::chrono::milliseconds timeout);
  // With Configuration::shutdown_timeout.
  void stop();

  // Durable when it returns. Callbacks must be registered here.
  [[nodiscard]] Result<std::vector<std::string>, SubmitFailure> submit(
      std::vector<Submission> submissions) override;
  [[nodiscard]] Client client() { return Client(*this); }

  [[nodiscard]] Result<ServiceStatus> status();
  [[nodiscard]] Result<Statistics> statistics();
  [[nodiscard]] Result<void> clear_statistics();
  // Results that stop() could neither hand over, the store being down, nor write into the
  // state_directory.
  [[nodiscard]] std::size_t undelivered() const;

  // Up to `most` of the dead, the last that died first; `after` is the id of the last one seen.
  [[nodiscard]] Result<std::vector<DeadJob>> dead_jobs(std::size_t most,
                                                       std::string_view after = {});
  // Puts them back into their queue: a request is sent again, a callback runs again, once; if that
  // fails too, it is dead again. Gives how many there were.
  [[nodiscard]] Result<std::int64_t> retry_dead(std::span<const std::string> ids);
  // Deletes them for good. Gives how many there were.
  [[nodiscard]] Result<std::int64_t> delete_dead(std::span<const std::string> ids);

 private:
  class Impl;

  explicit Service(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace patient_http
