#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "patient_http/payload_store.h"

namespace patient_http::payload {

// Where the payloads of a test are, apart from the stores that look at them.
class PayloadBacking {
 public:
  virtual ~PayloadBacking() = default;
  // Another store on it, as another process would open it.
  virtual std::unique_ptr<PayloadStore> open() = 0;
};

using MakeBacking = std::function<std::unique_ptr<PayloadBacking>()>;

// The rules that every PayloadStore obeys. A store's own test instantiates it with its backing:
//
//   INSTANTIATE_TEST_SUITE_P(File, PayloadStoreConformance, testing::Values(make_file_backing));
class PayloadStoreConformance : public testing::TestWithParam<MakeBacking> {
 protected:
  PayloadStoreConformance() : backing_(GetParam()()), store_(backing_->open()) {}

  std::unique_ptr<PayloadBacking> backing_;
  std::unique_ptr<PayloadStore> store_;
};

}  // namespace patient_http::payload
