#include "service/service_parts.h"

#include <stdexcept>
#include <utility>
#include <vector>

#include "engine/observer_feed.h"
#include "engine/preparer_threads.h"
#include "jobs/sqlite_job_store.h"
#include "service/configuration_check.h"

namespace patient_http {

namespace {

using std::chrono::steady_clock;

payload::ExternalStorage make_storage(const PayloadOptions& options) {
  std::vector<payload::NamedPayloadStore> stores;
  for (const auto& [name, store] : options.stores) stores.push_back({name, store});
  return {std::move(stores), options.threshold};
}

}  // namespace

jobs::StoreResult<std::unique_ptr<ServiceParts>> ServiceParts::open(Configuration configuration) {
  configuration.processor.log = configuration.log;
  service::require_valid(configuration);
  using Durability = jobs::SqliteJobStoreOptions::Durability;
  auto store = jobs::SqliteJobStore::open(
      {.path = configuration.database,
       .durability = configuration.survives_power_cuts ? Durability::kFull : Durability::kNormal,
       .is_exclusive = configuration.owns_database});
  if (!store) return unexpected(std::move(store.error()));
  return std::unique_ptr<ServiceParts>(
      new ServiceParts(std::move(configuration), std::move(*store)));
}

ServiceParts::ServiceParts(Configuration configuration, std::unique_ptr<jobs::JobStore> store)
    : configuration_(std::move(configuration)),
      store_(std::move(store)),
      storage_(make_storage(configuration_.payloads)),
      encryptor_(configuration_.encryption),
      opener_(storage_, encryptor_),
      sealer_(*store_, storage_, encryptor_, configuration_.log),
      submitter_(*store_, sealer_, configuration_.callbacks),
      patience_(configuration_.log),
      handler_(*store_, sealer_, in_flight_, patience_,
               {.retries = configuration_.callbacks.retries}, configuration_.log),
      processor_(configuration_.processor),
      worker_(*store_, opener_, processor_, in_flight_, handler_, patience_, configuration_.log),
      runner_(configuration_.callbacks, configuration_.log),
      callbacks_(*store_, opener_, runner_, patience_, configuration_.callbacks.threads,
                 configuration_.log),
      sweeper_(*store_, storage_, configuration_.log),
      monitor_(*store_, configuration_.callbacks.dead_lifetime, patience_.reporter(),
               configuration_.log) {}

ServiceParts::~ServiceParts() {
  stop(std::chrono::milliseconds(0));
}

void ServiceParts::start() {
  base::MutexLock lock(lifecycle_);
  if (is_started_) return;
  is_started_ = true;
  is_hurried_ = false;
  patience_.reset();
  monitor_.start();
  sweeper_.start();
  callbacks_.start();
  processor_.start();
  worker_.start();
}

void ServiceParts::quiet() {
  base::MutexLock lock(lifecycle_);
  worker_.stop();
}

// Along the flow: what comes in stops first, and each part's threads end when nothing can reach it
// any more.
void ServiceParts::stop(std::chrono::milliseconds timeout) {
  // It would wait for itself.
  if (jobs::CallbackWorker::is_callback_thread() || engine::ObserverFeed::is_observer_thread() ||
      engine::PreparerThreads::is_preparer_thread()) {
    throw std::logic_error(
        "Service::stop() called from a callback, a hook, an observer, a preprocessor or the "
        "function of a secret");
  }
  // At once: a quiet() that waits for the store holds the lock.
  const auto give_up = steady_clock::now() + timeout + configuration_.store_patience;
  patience_.give_up_at(give_up);
  base::MutexLock lock(lifecycle_);
  if (!is_started_) return;
  patience_.give_up_at(give_up);
  if (is_hurried_) hurry();
  worker_.stop();
  processor_.stop(timeout);
  callbacks_.stop();
  sweeper_.stop();
  monitor_.stop();
  is_started_ = false;
}

void ServiceParts::hurry() {
  is_hurried_ = true;
  patience_.give_up_at(steady_clock::now());
  processor_.interrupt();
}

jobs::StoreResult<ServiceStatus> ServiceParts::status() {
  const auto counts = store_->counts();
  if (!counts) return unexpected(counts.error());
  return ServiceStatus{processor_.status(), *counts};
}

}  // namespace patient_http
