#include "service/service_parts.h"

#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "engine/observer_feed.h"
#include "engine/preparer_threads.h"
#include "jobs/redis_job_store.h"
#include "jobs/sqlite_job_store.h"
#include "service/configuration_check.h"

namespace patient_http {

namespace {

using std::chrono::steady_clock;
using State = jobs::ProcessHealth::State;

payload::ExternalStorage make_storage(const PayloadOptions& options) {
  std::vector<payload::NamedPayloadStore> stores;
  for (const auto& [name, store] : options.stores) stores.push_back({name, store});
  return {std::move(stores), options.threshold};
}

// Tells the stores apart that share a state_directory. Holds no password.
std::string store_name(const Configuration& configuration) {
  if (!configuration.redis) {
    std::error_code error;
    const auto path = std::filesystem::weakly_canonical(configuration.database, error);
    return error ? configuration.database : path.string();
  }
  const std::string& url = configuration.redis->url;
  const std::size_t scheme = url.find("://");
  const std::size_t user = url.rfind('@');
  if (scheme == std::string::npos || user == std::string::npos) return url;
  return url.substr(0, scheme + 3) + url.substr(user + 1);
}

jobs::StoreResult<std::unique_ptr<jobs::JobStore>> open_store(const Configuration& configuration) {
  if (configuration.redis) {
    auto store = jobs::RedisJobStore::open({.redis = *configuration.redis,
                                            .capacity = configuration.processor.max_connections,
                                            .log = configuration.log});
    if (!store) return unexpected(std::move(store.error()));
    return std::unique_ptr<jobs::JobStore>(std::move(*store));
  }
  using Durability = jobs::SqliteJobStoreOptions::Durability;
  auto store = jobs::SqliteJobStore::open(
      {.path = configuration.database,
       .durability = configuration.survives_power_cuts ? Durability::kFull : Durability::kNormal,
       .is_exclusive = configuration.owns_database,
       .log = configuration.log});
  if (!store) return unexpected(std::move(store.error()));
  return std::unique_ptr<jobs::JobStore>(std::move(*store));
}

jobs::CallbackRouting make_routing(const Configuration& configuration) {
  jobs::CallbackRouting routing{.ours = {.retries = configuration.callbacks.retries}};
  if (!configuration.redis) return routing;
  routing.ours.queue = configuration.redis->own_callback_queue;
  routing.sidekiq = jobs::CallbackJobOptions{.queue = configuration.redis->callback_queue,
                                             .retries = configuration.redis->callback_retries};
  for (const auto& [name, make] : configuration.callbacks.registered) {
    routing.registered.insert(name);
  }
  return routing;
}

std::chrono::milliseconds beat_every(const Configuration& configuration) {
  constexpr std::chrono::seconds kEmbedded{3};
  return configuration.redis ? configuration.redis->lease / 4 : kEmbedded;
}

std::unique_ptr<jobs::SidekiqProcess> make_sidekiq_process(const Configuration& configuration,
                                                           jobs::HealthFunction health) {
  if (!configuration.redis || !configuration.redis->register_as_sidekiq_process) return nullptr;
  return std::make_unique<jobs::SidekiqProcess>(*configuration.redis,
                                                configuration.processor.max_connections,
                                                std::move(health), configuration.log);
}

service::SubmitterOptions make_submitter_options(const Configuration& configuration) {
  if (!configuration.redis) return {};
  return {.queue = configuration.redis->queues.front().name, .is_for_ruby = true};
}

}  // namespace

jobs::StoreResult<std::unique_ptr<ServiceParts>> ServiceParts::open(Configuration configuration) {
  configuration.processor.log = configuration.log;
  service::require_valid(configuration);
  auto store = open_store(configuration);
  if (!store) return unexpected(std::move(store.error()));
  return with_store(std::move(configuration), std::move(*store));
}

std::unique_ptr<ServiceParts> ServiceParts::with_store(Configuration configuration,
                                                       std::unique_ptr<jobs::JobStore> store) {
  configuration.processor.log = configuration.log;
  service::require_valid(configuration);
  return std::unique_ptr<ServiceParts>(
      new ServiceParts(std::move(configuration), std::move(store)));
}

ServiceParts::ServiceParts(Configuration configuration, std::unique_ptr<jobs::JobStore> store)
    : configuration_(std::move(configuration)),
      store_(std::move(store)),
      storage_(make_storage(configuration_.payloads)),
      encryptor_(configuration_.encryption),
      opener_(storage_, encryptor_),
      sealer_(*store_, storage_, encryptor_, configuration_.log),
      submitter_(*store_, sealer_, configuration_.callbacks,
                 make_submitter_options(configuration_)),
      patience_(configuration_.log),
      spool_(*store_, configuration_.state_directory, store_name(configuration_),
             configuration_.log),
      handler_(*store_, sealer_, in_flight_, patience_, spool_, make_routing(configuration_),
               configuration_.log),
      processor_(configuration_.processor),
      worker_(*store_, opener_, processor_, in_flight_, handler_, patience_,
              {.poison_rescues = configuration_.poison_rescues,
               .request_memory = configuration_.request_memory},
              configuration_.log),
      runner_(configuration_.callbacks, configuration_.log),
      callbacks_(*store_, opener_, runner_, patience_, configuration_.callbacks.threads,
                 configuration_.poison_rescues, configuration_.log),
      sweeper_(*store_, storage_, configuration_.log),
      monitor_(
          *store_, spool_, beat_every(configuration_), configuration_.callbacks.dead_lifetime,
          [this] { return health(); }, patience_.reporter(), configuration_.log),
      sidekiq_(make_sidekiq_process(configuration_, [this] { return health(); })) {}

ServiceParts::~ServiceParts() {
  stop(std::chrono::milliseconds(0));
}

void ServiceParts::start() {
  base::MutexLock lock(lifecycle_);
  if (is_started_) return;
  is_started_ = true;
  is_hurried_ = false;
  storage_.resume();
  state_ = State::kRunning;
  patience_.reset();
  monitor_.start();
  sweeper_.start();
  callbacks_.start();
  processor_.start();
  base::MutexLock intake(intake_);
  worker_.start();
  if (sidekiq_) sidekiq_->start();
}

// Seen at once: with the store down the worker may stop late.
void ServiceParts::quiet() {
  State running = State::kRunning;
  state_.compare_exchange_strong(running, State::kQuiet);
  base::MutexLock lock(intake_);
  worker_.stop();
}

// Along the flow: what comes in stops first, and each part's threads end when nothing can reach it
// any more.
void ServiceParts::stop(std::chrono::milliseconds timeout) {
  // It would wait for itself.
  if (jobs::CallbackWorker::is_callback_thread() || engine::ObserverFeed::is_observer_thread() ||
      engine::PreparerThreads::is_preparer_thread() || jobs::SidekiqProcess::is_sidekiq_thread()) {
    throw std::logic_error(
        "Service::stop() called from a callback, a hook, an observer, a preprocessor, the "
        "function of a secret or on_sidekiq_signal");
  }
  // At once: a quiet() that waits for the store holds the lock.
  const auto now = steady_clock::now();
  const auto give_up = is_hurried_
                           ? now
                           : base::later<steady_clock>(base::later<steady_clock>(now, timeout),
                                                       configuration_.store_patience);
  patience_.give_up_at(give_up);
  base::MutexLock lock(lifecycle_);
  if (!is_started_) return;
  state_ = State::kStopping;
  patience_.give_up_at(give_up);
  if (is_hurried_) hurry();
  quiet();
  processor_.stop(timeout);
  handler_.release_interrupted();
  callbacks_.stop();
  sweeper_.stop();
  monitor_.stop();
  if (sidekiq_) sidekiq_->stop();
  handler_.spool_unstored();
  is_started_ = false;
}

void ServiceParts::hurry() {
  is_hurried_ = true;
  patience_.give_up_at(steady_clock::now());
  processor_.interrupt();
  storage_.interrupt();
}

jobs::ProcessHealth ServiceParts::health() const {
  const ProcessorStatus processor = processor_.status();
  jobs::ProcessHealth health{.state = state_, .in_flight = processor.occupied + processor.parked};
  if (auto failure = patience_.reporter().last_failure()) {
    health.last_store_error = std::move(failure->text);
    health.last_store_error_at = failure->time;
  }
  return health;
}

jobs::StoreResult<ServiceStatus> ServiceParts::status() {
  const auto counts = store_->counts();
  if (!counts) return unexpected(counts.error());
  return ServiceStatus{processor_.status(), *counts};
}

}  // namespace patient_http
