// Where transfers of a reactor wait: for their next attempt, for room at their origin, for a slot.

#include "base/url.h"
#include "engine/reactor.h"

namespace patient_http::engine {

void Reactor::on_waiting(Transfer& transfer, std::chrono::nanoseconds delay) {
  Running& waiting = running(transfer);
  leave_attempt(waiting);
  // Its time may have run out while it waited for room between two hops.
  if (std::exchange(waiting.wants_back, false)) slots_.want_no_more();
  leave_origin(waiting);
  if (!waiting.is_parked) waiting.is_parked = slots_.try_park();
  waiting.wait = std::make_unique<net::Timer>([this, &waiting] { wait_is_over(waiting); });
  loop_.timers().set(*waiting.wait, loop_.now() + delay);
}

void Reactor::wait_is_over(Running& transfer) {
  if (!transfer.is_parked) {  // it kept its slot
    queue_start(transfer);
  } else if (quotas_.line_up(transfer, origin_of(transfer))) {
    on_admitted(transfer);
  } else {
    transfer.wait_for_origin();
  }
}

bool Reactor::may_begin(Running& transfer) {
  if (!quotas_.has_limits() || quotas_.enter(transfer, origin_of(transfer))) return true;
  transfer.wait_for_origin();
  transfer.is_parked = slots_.try_park();
  return false;
}

bool Reactor::may_change_origin(Transfer& transfer) {
  Running& changing = running(transfer);
  leave_origin(changing);
  return may_begin(changing);
}

// Without limits all are at one place.
base::Origin Reactor::origin_of(const Running& transfer) const {
  if (!quotas_.has_limits()) return {};
  const auto url = base::Url::parse(transfer.url());
  return url ? url->origin() : base::Origin();
}

void Reactor::leave_origin(Running& transfer) {
  if (OriginQuotas::Visitor* next = quotas_.leave(transfer)) {
    on_admitted(static_cast<Running&>(*next));
  }
}

void Reactor::on_admitted(Running& transfer) {
  if (transfer.is_parked) {
    slots_.want_back();
    transfer.wants_back = true;
  } else {
    quotas_.skip_turn(transfer);
    queue_start(transfer);
  }
}

void Reactor::return_parked() {
  while (quotas_.has_next() && slots_.try_return()) {
    Running& transfer = static_cast<Running&>(quotas_.next());
    transfer.is_parked = transfer.wants_back = false;
    queue_start(transfer);
  }
}

}  // namespace patient_http::engine
