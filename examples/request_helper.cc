// Runs requests of a class that derives from RequestHelper (books.h) with a Service:
//
//   example_request_helper jobs.db http://localhost:8080/books/ 9780141439600 …
//
// Fetches and rates each book. Ends at Enter, or at the end of its input.

#include <cstdio>

#include "books.h"
#include "patient_http/service.h"

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "Usage: %s DATABASE URL ISBN…\n", argv[0]);
    return 2;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  patient_http::Configuration configuration;
  configuration.database = argv[1];
  books::register_callbacks(configuration);
  auto service = patient_http::Service::open(configuration);
  if (!service) {
    std::fprintf(stderr, "%s\n", service.error().message.c_str());
    return 1;
  }

  // Before a service is started there is nobody who could take the request.
  const books::Books books(argv[2]);
  if (const auto early = books.fetch(argv[3]); !early) {
    std::printf("too early: %s\n", early.error().message.c_str());
  }

  // It registers itself as the handler of the process, which the helper submits to.
  (*service)->start();
  for (int i = 3; i < argc; ++i) {
    for (const auto& submitted : {books.fetch(argv[i]), books.rate(argv[i], 5)}) {
      if (!submitted) std::fprintf(stderr, "%s\n", submitted.error().message.c_str());
    }
  }
  std::getchar();
  (*service)->stop();
}
