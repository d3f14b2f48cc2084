#include "patient_http/request_handler.h"

#include <cstddef>
#include <map>

#include "base/mutex.h"

namespace patient_http {

namespace {

// The one handler that a process has, for the sake of those who were given none.
class Registration {
 public:
  void set(RequestHandler& handler) {
    base::MutexLock lock(mutex_);
    handler_ = &handler;
  }

  void clear(RequestHandler& handler) {
    base::MutexLock lock(mutex_);
    if (handler_ == &handler) handler_ = nullptr;
    // Only for its own: those of another handler may never have a gap.
    while (calls_.contains(&handler)) changed_.wait(mutex_);
  }

  RequestHandler* begin_call() {
    base::MutexLock lock(mutex_);
    if (handler_ != nullptr) ++calls_[handler_];
    return handler_;
  }

  void end_call(RequestHandler* handler) {
    base::MutexLock lock(mutex_);
    const auto call = calls_.find(handler);
    if (--call->second > 0) return;
    calls_.erase(call);
    changed_.notify_all();
  }

 private:
  base::Mutex mutex_;
  base::CondVar changed_;
  RequestHandler* handler_ GUARDED_BY(mutex_) = nullptr;
  std::map<RequestHandler*, std::size_t> calls_ GUARDED_BY(mutex_);  // under way
};

Registration& registration() {
  static Registration the_one;
  return the_one;
}

}  // namespace

void register_handler(RequestHandler& handler) {
  registration().set(handler);
}

void unregister_handler(RequestHandler& handler) {
  registration().clear(handler);
}

Result<std::vector<std::string>, SubmitFailure> submit_to_registered_handler(
    std::vector<Submission> submissions) {
  struct Call {
    RequestHandler* handler = registration().begin_call();
    ~Call() {
      if (handler != nullptr) registration().end_call(handler);
    }
  };
  const Call call;
  if (call.handler == nullptr) {
    return unexpected(SubmitFailure{SubmitFailure::Kind::kNoHandler,
                                    "no request handler is registered: start a Service (or an "
                                    "InlineService), or give the client one"});
  }
  return call.handler->submit(std::move(submissions));
}

}  // namespace patient_http
