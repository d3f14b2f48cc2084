#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "base/mutex.h"
#include "drivers/redis/redis_client.h"
#include "jobs/process_health.h"
#include "jobs/redis_step.h"
#include "patient_http/log.h"
#include "patient_http/redis_options.h"

namespace patient_http::jobs {

// This process in Sidekiq's list of processes (docs/protocol.md), so that its Busy page and its API
// show it, and may ask it to be quiet, to stop, or to dump what is in flight.
//
// It is for looking only: nothing of the store depends on it. So it has a thread and a connection
// of its own, and when it fails the log says so, once, and it is tried again; neither the lease nor
// what counts as an outage knows of it.
//
// Thread safety: start() and stop() from one thread, not from RedisOptions::on_sidekiq_signal. Both
// may be repeated. beat() by the thread, or by who has not called start().
class SidekiqProcess {
 public:
  // REQUIRES: `options` are valid.
  SidekiqProcess(const RedisOptions& options, std::size_t max_connections, HealthFunction health,
                 Log log);
  ~SidekiqProcess() { stop(); }
  SidekiqProcess(const SidekiqProcess&) = delete;
  SidekiqProcess& operator=(const SidekiqProcess&) = delete;

  // Registers the process soon after, and again every 10 s.
  void start();
  // Takes back the registration, if the server answers; otherwise it ends by itself.
  void stop();

  // Registers the process once, and does what is asked of it, one thing at a time. Whether
  // something was.
  bool beat();

  // "<host>:<pid>:<12 hex digits>".
  [[nodiscard]] const std::string& identity() const { return identity_; }
  // Whether the calling thread is the one of such an object.
  [[nodiscard]] static bool is_sidekiq_thread();

 private:
  void run();
  [[nodiscard]] StoreResult<std::string> register_once(const ProcessHealth& health);
  [[nodiscard]] std::string info() const;
  void obey(std::string_view signal, const ProcessHealth& health);
  void leave();
  // False when it is time to stop.
  bool wait(std::chrono::milliseconds time);

  const RedisOptions options_;
  const std::size_t max_connections_;
  const HealthFunction health_;
  const Log log_;
  const std::string identity_;
  const std::string signals_key_;
  const std::string work_key_;
  const std::string info_;
  redis::RedisClient client_;
  const RedisScripts scripts_;

  // Of the last beat, as far as there was one.
  bool is_registered_ = false;
  bool has_failed_ = false;

  std::thread thread_;
  base::Mutex mutex_;
  base::CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
};

}  // namespace patient_http::jobs
