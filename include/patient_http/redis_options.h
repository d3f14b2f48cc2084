#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace patient_http {

// A queue of Sidekiq's from which request jobs are taken.
struct RedisQueue {
  std::string name;
  // All 0: the queues are emptied in their order. Otherwise each is asked first in proportion to
  // its weight, as Sidekiq does it.
  int weight = 0;
  // Whether workers of other classes use it too: then request jobs are picked from its first 100,
  // and the queue is polled.
  bool is_shared = false;
};

// Redis, or Valkey, as the store: request jobs come from Sidekiq's queues, and callback jobs go
// back there, in the form of the gem patient_http-sidekiq (docs/protocol.md).
struct RedisOptions {
  // "redis://user:password@host:6379/0", "rediss://…" for TLS, "unix:///run/redis.sock?db=0".
  std::string url = "redis://localhost:6379/0";
  // Certificates to trust with rediss://, PEM; empty: the system's.
  std::string ca_file = {};
  // How long one command may take before the connection is given up.
  std::chrono::milliseconds command_timeout = std::chrono::seconds(3);

  // The first takes what this process submits itself.
  std::vector<RedisQueue> queues = {{"patient_http_requests"}};

  // Where callback jobs go that Ruby runs: those of a name that is not registered here.
  std::string callback_queue = "default";
  // How often Sidekiq tries such a callback again; none: Sidekiq's 25 times.
  std::optional<int> callback_retries = std::nullopt;
  // Where callbacks wait that are registered here. No Ruby process may work on it.
  std::string own_callback_queue = "patient_http_callbacks";

  // As in the gem's configuration, and to be the same there.
  std::chrono::milliseconds heartbeat_interval = std::chrono::seconds(60);
  std::chrono::milliseconds orphan_threshold = std::chrono::seconds(300);

  // How long a process of ours counts as alive after its last heartbeat. It beats every quarter of
  // that time.
  std::chrono::milliseconds lease = std::chrono::seconds(12);

  // Enters this process into Sidekiq's list of processes, so that its Busy page shows it, with
  // max_connections as its threads. Each process in that list lets Sidekiq's look less often for
  // scheduled jobs and retries (docs/sidekiq.md).
  bool register_as_sidekiq_process = false;
  // With the above: called when somebody asks something of this process on that page, with SIGTSTP
  // (be quiet), SIGTERM (stop) or SIGTTIN (dump what is in flight); nothing of it happens by
  // itself. On a thread of its own, where Service::quiet() may be called, and Service::stop()
  // throws. What it throws is logged; a stop waits for it. Without it, Sidekiq 7 and newer
  // refuse to ask, and what an older one asks is logged and dropped.
  std::function<void(int signal)> on_sidekiq_signal = {};

  // Everything that is wrong, a sentence each; empty when all is well.
  [[nodiscard]] std::vector<std::string> validate() const;
};

}  // namespace patient_http
