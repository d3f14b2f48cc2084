#include "patient_http/service.h"

#include <utility>

#include "service/service_parts.h"

namespace patient_http {

class Service::Impl {
 public:
  explicit Impl(std::unique_ptr<ServiceParts> opened) : parts(std::move(opened)) {}

  const std::unique_ptr<ServiceParts> parts;
};

namespace {

// The store's answer in public terms: what kind of failure it was says its message.
template <class T>
Result<T> to_public(jobs::StoreResult<T> result) {
  if (!result) return failure(std::move(result.error().message));
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    return std::move(*result);
  }
}

}  // namespace

Result<std::unique_ptr<Service>> Service::open(Configuration configuration) {
  auto parts = ServiceParts::open(std::move(configuration));
  if (!parts) return failure(std::move(parts.error().message));
  return std::unique_ptr<Service>(new Service(std::make_unique<Impl>(std::move(*parts))));
}

Service::Service(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Service::~Service() {
  stop(std::chrono::milliseconds(0));
}

void Service::start() {
  impl_->parts->start();
  register_handler(*this);
}

void Service::quiet() {
  impl_->parts->quiet();
}

// The registration goes last: callbacks may submit until the end.
void Service::stop(std::chrono::milliseconds timeout) {
  impl_->parts->stop(timeout);
  unregister_handler(*this);
}

void Service::stop() {
  stop(impl_->parts->configuration().shutdown_timeout);
}

Result<std::vector<std::string>, SubmitFailure> Service::submit(
    std::vector<Submission> submissions) {
  return impl_->parts->submitter().submit(std::move(submissions));
}

Result<ServiceStatus> Service::status() {
  return to_public(impl_->parts->status());
}

Result<Statistics> Service::statistics() {
  return to_public(impl_->parts->store().statistics());
}

Result<void> Service::clear_statistics() {
  return to_public(impl_->parts->store().clear_statistics());
}

std::size_t Service::undelivered() const {
  return impl_->parts->undelivered();
}

Result<std::vector<DeadJob>> Service::dead_jobs(std::size_t most, std::string_view after) {
  return to_public(impl_->parts->store().dead_jobs(most, after));
}

Result<std::int64_t> Service::retry_dead(std::span<const std::string> ids) {
  return to_public(impl_->parts->store().retry_dead(ids));
}

Result<std::int64_t> Service::delete_dead(std::span<const std::string> ids) {
  return to_public(impl_->parts->store().delete_dead(ids));
}

}  // namespace patient_http
