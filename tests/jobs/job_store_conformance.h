#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "jobs/job_store.h"

namespace patient_http::jobs {

// Several JobStores, each a process of its own, on one fresh backing store.
class StoreFleet {
 public:
  virtual ~StoreFleet() = default;
  // Another process joins. The fleet owns it.
  virtual JobStore& join() = 0;
  // The process dies: what it has claimed stays registered under its name.
  virtual void kill(JobStore& store) = 0;
};

using MakeFleet = std::function<std::unique_ptr<StoreFleet>()>;

// The rules that every JobStore obeys. A store's own test instantiates it with its fleet:
//
//   INSTANTIATE_TEST_SUITE_P(Sqlite, JobStoreConformance, testing::Values(make_sqlite_fleet));
//
// A reply that got lost is played by calling the step once more with the same arguments.
class JobStoreConformance : public testing::TestWithParam<MakeFleet> {
 protected:
  JobStoreConformance();

  // Pushes jobs named `names`, whose bytes are "bytes of <name>".
  void push(const std::vector<std::string>& names);
  // The names of everything that is ready, in order; it is claimed by a reader that then dies, so
  // this ends a test.
  std::vector<std::string> ready();

  std::unique_ptr<StoreFleet> fleet_;
  JobStore& store_;
};

}  // namespace patient_http::jobs
