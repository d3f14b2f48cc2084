// A service that is killed: service_victim DATABASE PAYLOADS URL FIRST COUNT LOG
//
// Submits COUNT requests with large bodies under the ids FIRST, FIRST + 1, … and carries out what
// the store holds. Every third run of a callback throws; each that ends well appends its request's
// id to LOG. Ends when the store is empty.

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <iostream>
#include <stdexcept>
#include <thread>

#include "patient_http/file_payload_store.h"
#include "patient_http/service.h"

namespace {

using namespace patient_http;

int log_file = -1;
std::atomic<int> runs{0};

class Append final : public Callback {
 public:
  void on_complete(const Response& response) override { append(response.request_id()); }
  void on_error(const Error& error) override { append("error:" + error.request_id()); }

 private:
  static void append(const std::string& text) {
    if (++runs % 3 == 0) throw std::runtime_error("told to");
    const std::string line = text + "\n";
    if (::write(log_file, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
      throw std::runtime_error("cannot write");
    }
  }
};

bool is_empty(Service& service) {
  const JobCounts jobs = service.status().value().jobs;
  return jobs.ready + jobs.in_flight + jobs.scheduled + jobs.callbacks_waiting +
             jobs.callbacks_running + jobs.callbacks_scheduled ==
         0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) return 2;
  log_file = ::open(argv[6], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  Configuration configuration;
  configuration.database = argv[1];
  configuration.survives_power_cuts = false;
  configuration.poison_rescues = 0;  // no request is to blame for what the parent does
  configuration.payloads.threshold = 200;
  configuration.register_payload_store("files", FilePayloadStore::open(argv[2]).value());
  configuration.register_callback<Append>("Append");
  const auto service = Service::open(std::move(configuration)).value();
  service->start();
  const int first = std::stoi(argv[4]);
  for (int id = first; id < first + std::stoi(argv[5]); ++id) {
    const auto done =
        service->client().post(argv[3], {.body = std::string(1000, 'x')},
                               {.callback = "Append", .request_id = std::to_string(id)});
    if (!done) std::cerr << done.error().message << '\n';
  }
  // Until then the parent kills it, or makes what waits for its next try due.
  // A pause between two looks: a store tells nobody that it has become empty.
  while (!is_empty(*service)) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  service->stop();
  return 0;
}
