#pragma once

#include <cstddef>
#include <list>
#include <unordered_map>
#include <vector>

#include "base/url.h"
#include "patient_http/processor_options.h"

namespace patient_http::engine {

// How many may be at an origin at once, and who is next: each origin has a queue of its own, and
// the origins take turns. Every call takes the same time, however many wait. Belongs to the
// reactor thread.
class OriginQuotas {
  struct Origin;

 public:
  // One who is at an origin, or wants to be there. Must leave() before its end.
  class Visitor {
   public:
    // Waits for its origin to have room, or for its turn after that.
    [[nodiscard]] bool is_waiting() const { return place_ == Place::kQueue; }
    // There is room for it, which it occupies; it waits for its turn (next()).
    [[nodiscard]] bool is_admitted() const { return place_ == Place::kAdmitted; }
    [[nodiscard]] bool is_inside() const { return place_ == Place::kInside; }

   private:
    friend class OriginQuotas;
    enum class Place { kOutside, kQueue, kAdmitted, kInside };

    Place place_ = Place::kOutside;
    Origin* origin_ = nullptr;
    std::list<Visitor*>::iterator in_list_;
  };

  // `max_requests`: at each origin; 0: without limit. The first of `limits` that fits an origin
  // and says something about requests goes before it.
  OriginQuotas(std::size_t max_requests, std::vector<HostLimit> limits);
  OriginQuotas(const OriginQuotas&) = delete;
  OriginQuotas& operator=(const OriginQuotas&) = delete;

  // Whether there is any limit.
  [[nodiscard]] bool has_limits() const { return has_limits_; }

  // True: the visitor is inside. False: it waits, behind all who wait for that origin.
  // REQUIRES: it is outside.
  [[nodiscard]] bool enter(Visitor& visitor, const base::Origin& origin);
  // As enter(), but even where there is room it waits for its turn, as those do who are without a
  // slot. True: it is admitted.
  [[nodiscard]] bool line_up(Visitor& visitor, const base::Origin& origin);
  // The visitor is outside, wherever it was. Gives the one that is admitted in its place, or null.
  Visitor* leave(Visitor& visitor);
  // Whether any is admitted.
  [[nodiscard]] bool has_next() const { return !turns_.empty(); }
  // One that is admitted, the origins in turn; it is inside now. REQUIRES: has_next().
  [[nodiscard]] Visitor& next();
  // The same for one that need not wait for its turn. REQUIRES: it is admitted.
  void skip_turn(Visitor& visitor);

 private:
  struct OriginHash {
    std::size_t operator()(const base::Origin& origin) const;
  };
  struct Origin {
    const base::Origin* name = nullptr;  // the key in origins_
    std::size_t limit = 0;
    std::size_t occupied = 0;  // by those inside and those admitted
    std::list<Visitor*> queue;
    std::list<Visitor*> admitted;
    std::list<Origin*>::iterator in_turns;  // while `admitted` is not empty
  };

  [[nodiscard]] Origin& find(const base::Origin& name);
  [[nodiscard]] std::size_t limit_of(const base::Origin& name) const;
  void admit(Visitor& visitor);
  void take_from_admitted(Visitor& visitor);
  void forget_if_empty(Origin& origin);

  const std::size_t max_requests_;
  const std::vector<HostLimit> limits_;
  const bool has_limits_;
  std::unordered_map<base::Origin, Origin, OriginHash> origins_;  // with visitors
  std::list<Origin*> turns_;                                      // with admitted ones
};

}  // namespace patient_http::engine
