#include "service/service.h"

#include <stdexcept>

#include "jobs/sqlite_job_store.h"

namespace patient_http {

using std::chrono::steady_clock;

jobs::StoreResult<std::unique_ptr<Service>> Service::open(Configuration configuration) {
  std::string message;
  for (const std::string& problem : configuration.validate()) {
    message += message.empty() ? problem : "; " + problem;
  }
  if (!message.empty()) throw std::invalid_argument(message);
  using Durability = jobs::SqliteJobStoreOptions::Durability;
  auto store = jobs::SqliteJobStore::open(
      {.path = configuration.database,
       .durability = configuration.survives_power_cuts ? Durability::kFull : Durability::kNormal,
       .process_prefix = {},
       .is_exclusive = configuration.owns_database});
  if (!store) return unexpected(std::move(store.error()));
  return std::unique_ptr<Service>(new Service(std::move(configuration), std::move(*store)));
}

Service::Service(Configuration configuration, std::unique_ptr<jobs::JobStore> store)
    : configuration_(std::move(configuration)),
      store_(std::move(store)),
      patience_(configuration_.log),
      handler_(*store_, in_flight_, patience_, configuration_.log),
      processor_(configuration_.processor),
      worker_(*store_, processor_, in_flight_, handler_, patience_, configuration_.log),
      monitor_(*store_, configuration_.log) {}

Service::~Service() {
  stop(std::chrono::milliseconds(0));
}

void Service::start() {
  base::MutexLock lock(lifecycle_);
  if (is_started_) return;
  is_started_ = true;
  patience_.reset();
  monitor_.start();
  processor_.start();
  worker_.start();
}

void Service::quiet() {
  base::MutexLock lock(lifecycle_);
  worker_.stop();
}

// Along the flow: what comes in stops first, and each part's threads end when nothing can reach it
// any more.
void Service::stop(std::chrono::milliseconds timeout) {
  base::MutexLock lock(lifecycle_);
  if (!is_started_) return;
  patience_.give_up_at(steady_clock::now() + timeout + configuration_.store_patience);
  worker_.stop();
  processor_.stop(timeout);
  monitor_.stop();
  is_started_ = false;
}

jobs::StoreResult<ServiceStatus> Service::status() {
  const auto counts = store_->counts();
  if (!counts) return unexpected(counts.error());
  return ServiceStatus{processor_.status(), *counts};
}

}  // namespace patient_http
