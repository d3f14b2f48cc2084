#include <iostream>

#include "patient_http/service.h"

// What becomes of a result. An object is made for each one.
class Printer final : public patient_http::Callback {
 public:
  void on_complete(const patient_http::Response& response) override {
    std::cout << response.status() << " from " << response.url() << std::endl;
  }
  void on_error(const patient_http::Error& error) override {
    std::cout << error.message() << std::endl;
  }
};

int main(int argc, char** argv) {
  patient_http::Configuration configuration;
  configuration.database = "jobs.db";
  configuration.register_callback<Printer>("Printer");
  auto service = patient_http::Service::open(configuration);
  if (!service) {
    std::cerr << service.error().message << std::endl;
    return 1;
  }
  (*service)->start();

  const patient_http::Client client = (*service)->client();
  for (int i = 1; i < argc; ++i) {
    // On disk when it returns: from here on the request is not lost.
    const auto id = client.get(argv[i], {.callback = "Printer"});
    if (!id) std::cerr << id.error().message << std::endl;
  }

  std::cin.get();  // until Enter is pressed
  (*service)->stop();
}
