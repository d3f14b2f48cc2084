// Runs requests of the same class as request_helper.cc (books.h) at once, on the calling thread:
// for tests, consoles and scripts.
//
//   example_inline_mode http://localhost:8080/books/
//
// A console: each line of input is a book's number, and what came back is printed before the next
// line is read. No database, no threads to wait for.

#include <cstdio>
#include <exception>
#include <iostream>
#include <string>

#include "books.h"
#include "patient_http/inline_service.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "Usage: %s URL\n", argv[0]);
    return 2;
  }
  patient_http::Configuration configuration;
  books::register_callbacks(configuration);
  configuration.processor.retries = 0;
  patient_http::InlineService service(configuration);
  // From here to its end it is the handler of the process, in the place of a Service.
  service.start();

  const books::Books books(argv[1]);
  for (std::string isbn; std::getline(std::cin, isbn);) {
    try {
      // The request has been sent and its callback has run when this returns.
      const auto fetched = books.fetch(isbn);
      if (!fetched) std::printf("refused: %s\n", fetched.error().message.c_str());
    } catch (const std::exception& error) {
      // Nothing is tried again: what a callback throws comes out here.
      std::printf("a callback threw: %s\n", error.what());
    }
    std::fflush(stdout);
  }
}
