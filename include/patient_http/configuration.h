#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "patient_http/callback.h"
#include "patient_http/encryption.h"
#include "patient_http/log.h"
#include "patient_http/payload_store.h"
#include "patient_http/preprocessors.h"
#include "patient_http/processor_options.h"
#include "patient_http/redis_options.h"
#include "patient_http/secret_manager.h"

namespace patient_http {

// Where data is kept that is too large for a job. Without stores everything stays in the jobs.
struct PayloadOptions {
  struct Named {
    std::string name;
    // Shared with whoever registered it.
    std::shared_ptr<PayloadStore> store;
  };
  // The last one takes what is new, all are read.
  std::vector<Named> stores = {};
  // Data of more bytes of JSON, after encryption, goes into a store.
  std::size_t threshold = std::size_t{64} << 10;
};

// How a Service is set up.
struct Configuration {
  // How requests are carried out. `log` below takes the place of its log.
  ProcessorOptions processor = {};
  CallbackOptions callbacks = {};
  PayloadOptions payloads = {};
  // With keys, or functions, requests and results are encrypted in the store, with their
  // callback_args.
  EncryptionOptions encryption = {};

  // With it jobs are kept in Redis, and the embedded store is not used.
  std::optional<RedisOptions> redis = std::nullopt;
  // File of the embedded store; it is made when it is not there.
  std::string database = {};
  // Whether each step waits until it is on the disk, so that a power cut loses nothing that was
  // acknowledged. Without it, kill -9 still loses nothing.
  bool survives_power_cuts = true;
  // Refuse to share the database with another process.
  bool owns_database = false;

  // Bytes of all requests in memory at once, from the claim until the result is stored. When they
  // are spent, no more are taken from the store; one is always.
  std::size_t request_memory = std::size_t{256} << 20;

  // A request that was taken from dead processes so often within an hour is a suspect: a process
  // sends one at a time, beside ordinary requests. When two processes have died with it, an error
  // callback says so, and it is not sent again. A callback may be taken three times more, then it
  // goes to the dead set. 0: off.
  int poison_rescues = 3;

  // How long stop() without a time waits for requests in flight.
  std::chrono::milliseconds shutdown_timeout = std::chrono::seconds(30);
  // How long stop() goes on with the store down before it gives up on results that it cannot hand
  // over.
  std::chrono::milliseconds store_patience = std::chrono::seconds(10);

  // Where stop() writes results that it cannot hand over; the next start hands them over. It is
  // made when it is not there. Empty: they are left to be requested again.
  std::string state_directory = {};

  Log log = Log::standard_error(LogLevel::kInfo);

  // Shorthands. Each replaces what was registered under that name, but for stores, whose names
  // are used once.
  template <class T>
  void register_callback(std::string name) {
    callbacks.add<T>(std::move(name));
  }
  void register_callback(std::string name, MakeCallback make) {
    callbacks.add(std::move(name), std::move(make));
  }
  void register_payload_store(std::string name, std::shared_ptr<PayloadStore> store) {
    payloads.stores.push_back({std::move(name), std::move(store)});
  }
  void register_secret(std::string name, std::string value) {
    processor.secrets.register_secret(std::move(name), std::move(value));
  }
  void register_secret(std::string name, SecretFunction function) {
    processor.secrets.register_secret(std::move(name), std::move(function));
  }
  void register_preprocessor(std::string name, Preprocessor function) {
    processor.preprocessors.register_preprocessor(std::move(name), std::move(function));
  }

  // Everything that is wrong, a sentence each; empty when all is well.
  [[nodiscard]] std::vector<std::string> validate() const;
};

}  // namespace patient_http
