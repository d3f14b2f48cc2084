#pragma once

#include <memory>
#include <string>
#include <vector>

#include "patient_http/client.h"
#include "patient_http/configuration.h"
#include "patient_http/request_handler.h"

namespace patient_http {

// A Service without store and threads, for tests, consoles and scripts: submit() carries the
// request out and runs its callback before it returns. Requests go through the same engine, with
// the same secrets, preprocessors, redirects, limits and errors; hooks and callbacks see the same
// results. What they throw comes out of submit(): nothing is tried again. Payload stores,
// encryption and `run_at` have no meaning here.
//
// Thread safety: one thread at a time; callbacks may submit again.
class InlineService final : public RequestHandler {
 public:
  // `configuration.database` may be empty. Throws as Service::open does.
  explicit InlineService(Configuration configuration);
  ~InlineService() override;

  InlineService(const InlineService&) = delete;
  InlineService& operator=(const InlineService&) = delete;

  // Registers itself as the process's RequestHandler, and takes that back.
  void start();
  void stop();

  // Runs them in order. All are checked before the first is sent.
  [[nodiscard]] Result<std::vector<std::string>, SubmitFailure> submit(
      std::vector<Submission> submissions) override;
  [[nodiscard]] Client client() { return Client(*this); }

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace patient_http
