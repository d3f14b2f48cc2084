#include "base/uuid.h"

#include <gtest/gtest.h>

#include <set>

namespace patient_http::base {
namespace {

TEST(UuidTest, MakesDifferentVersion4Uuids) {
  std::set<std::string> seen;
  for (int i = 0; i < 2000; ++i) {
    const std::string uuid = random_uuid();
    EXPECT_TRUE(is_uuid(uuid)) << uuid;
    EXPECT_EQ(uuid[14], '4');
    EXPECT_TRUE(std::string("89ab").find(uuid[19]) != std::string::npos) << uuid;
    EXPECT_TRUE(seen.insert(uuid).second);
  }
}

TEST(UuidTest, RecognisesTheForm) {
  EXPECT_TRUE(is_uuid("11111111-2222-3333-4444-555555555555"));
  for (const char* bad :
       {"", "11111111-2222-3333-4444-55555555555", "../../../etc/passwd",
        "11111111-2222-3333-4444-55555555555g", "1111111122223333444455555555555555555"}) {
    EXPECT_FALSE(is_uuid(bad)) << bad;
  }
}

}  // namespace
}  // namespace patient_http::base
