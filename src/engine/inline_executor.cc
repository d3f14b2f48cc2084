#include "patient_http/inline_executor.h"

#include <utility>

#include "engine/options_check.h"
#include "engine/reactor.h"

namespace patient_http {

namespace {

// Takes what send() waits for; its tasks never reach a handler of a user.
class NoHandler final : public TaskHandler {
 public:
  void on_complete(std::unique_ptr<RequestTask>, Response) override {}
  void on_error(std::unique_ptr<RequestTask>, Error) override {}
  void retry(std::unique_ptr<RequestTask>) override {}
};

}  // namespace

class InlineExecutor::Impl final : private engine::ReactorListener {
 public:
  explicit Impl(const ProcessorOptions& options)
      : options_((engine::require_valid(options), options)),
        tls_(engine::make_tls_context(options_)),
        slots_(options_.max_connections, [this] { reactor_.wake(); }),
        reactor_(options_, tls_, slots_, *this) {
    slots_.open();
  }

  // The outcome of `task`. A handler that it is given to may come back here with another task.
  SettledTask run(std::unique_ptr<RequestTask> task) {
    const RequestTask* awaited = task.get();
    static_cast<void>(slots_.try_take());
    reactor_.enqueue(std::move(task));
    for (;;) {
      reactor_.turn();
      for (engine::Settlement& settlement : settlements_) {
        if (settlement.settled.task.get() != awaited) continue;
        SettledTask settled = std::move(settlement.settled);
        settlements_.clear();
        slots_.give_back(1);
        return settled;
      }
    }
  }

 private:
  void on_transfer_started(const RequestTask&) override {}
  void on_settlements(std::vector<engine::Settlement>&& settlements) override {
    settlements_ = std::move(settlements);
  }

  const ProcessorOptions options_;
  const net::TlsContext tls_;
  engine::Slots slots_;
  engine::Reactor reactor_;
  std::vector<engine::Settlement> settlements_;
};

InlineExecutor::InlineExecutor(const ProcessorOptions& options)
    : impl_(std::make_unique<Impl>(options)) {}
InlineExecutor::~InlineExecutor() = default;

void InlineExecutor::execute(std::unique_ptr<RequestTask> task) {
  TaskHandler& handler = task->handler();
  SettledTask settled = impl_->run(std::move(task));
  if (auto* response = std::get_if<Response>(&settled.outcome)) {
    handler.on_complete(std::move(settled.task), std::move(*response));
  } else if (auto* error = std::get_if<Error>(&settled.outcome)) {
    handler.on_error(std::move(settled.task), std::move(*error));
  } else {
    std::vector<SettledTask> batch;
    batch.push_back(std::move(settled));
    handler.settle(std::move(batch));
  }
}

Result<Response, Error> InlineExecutor::send(const Request& request) {
  NoHandler handler;
  SettledTask settled = impl_->run(std::make_unique<RequestTask>(request, handler));
  if (auto* response = std::get_if<Response>(&settled.outcome)) return std::move(*response);
  return unexpected(std::get<Error>(std::move(settled.outcome)));
}

}  // namespace patient_http
