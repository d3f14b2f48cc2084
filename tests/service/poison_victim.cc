// A service that a request can kill: poison_victim DATABASE
//
// Carries out the requests that the store holds, and leaves their callbacks there. The preprocessor
// "kill" kills the process. Ends when no request is left.

#include <chrono>
#include <csignal>
#include <thread>

#include "patient_http/service.h"

int main(int argc, char** argv) {
  using namespace patient_http;
  if (argc != 2) return 2;
  Configuration configuration;
  configuration.database = argv[1];
  configuration.survives_power_cuts = false;
  configuration.callbacks.threads = 0;
  configuration.register_preprocessor("kill", [](OutgoingRequest&) { std::raise(SIGKILL); });
  const auto service = Service::open(std::move(configuration)).value();
  service->start();
  for (;;) {
    const JobCounts jobs = service->status().value().jobs;
    if (jobs.ready + jobs.in_flight == 0) break;
    // A pause between two looks: a store tells nobody that it has become empty.
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  service->stop();
  return 0;
}
