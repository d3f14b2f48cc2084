#include "payload/payload_store_conformance.h"

#include <gmock/gmock.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "base/uuid.h"

namespace patient_http::payload {
namespace {

using testing::Eq;
using testing::Optional;

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

TEST_P(PayloadStoreConformance, GivesBackJsonByteForByte) {
  std::string every_byte_of_json = "\"";
  for (int c = 0x20; c < 0x80; ++c) every_byte_of_json += static_cast<char>(c);
  for (const std::string& data :
       {std::string("{}"), std::string(), std::string(" {\"a\" : 30.50,\n\t\"b\":[] }\r\n "),
        std::string("{\"u\":\"é☃😀\u2028\\u0000\"}"), every_byte_of_json + "\"",
        "\"" + std::string(1 << 20, 'x') + "\""}) {
    const std::string key = base::random_uuid();
    must(store_->store(key, data));
    EXPECT_TRUE(must(store_->fetch(key)) == data) << data.substr(0, 100);
  }
}

TEST_P(PayloadStoreConformance, ReplacesWhatWasThere) {
  const std::string key = base::random_uuid();
  for (const char* data : {R"({"a":"long, long ago"})", "{}", R"({"b":[1,2,3]})"}) {
    must(store_->store(key, data));
    EXPECT_EQ(must(store_->fetch(key)), data);
  }
}

TEST_P(PayloadStoreConformance, HasNothingUnderAKeyThatWasNotStored) {
  must(store_->store(base::random_uuid(), "{}"));
  EXPECT_EQ(must(store_->fetch(base::random_uuid())), std::nullopt);
  EXPECT_FALSE(must(store_->exists(base::random_uuid())));
}

TEST_P(PayloadStoreConformance, KnowsWhatExists) {
  const std::string key = base::random_uuid();
  EXPECT_FALSE(must(store_->exists(key)));
  must(store_->store(key, "{}"));
  EXPECT_TRUE(must(store_->exists(key)));
  must(store_->remove(key));
  EXPECT_FALSE(must(store_->exists(key)));
}

TEST_P(PayloadStoreConformance, RemovesTwiceWithoutHarm) {
  const std::string key = base::random_uuid();
  const std::string other = base::random_uuid();
  must(store_->store(key, "1"));
  must(store_->store(other, "2"));
  must(store_->remove(key));
  must(store_->remove(key));
  must(store_->remove(base::random_uuid()));
  EXPECT_EQ(must(store_->fetch(key)), std::nullopt);
  EXPECT_EQ(must(store_->fetch(other)), "2");
  must(store_->store(key, "3"));
  EXPECT_EQ(must(store_->fetch(key)), "3");
}

TEST_P(PayloadStoreConformance, KeepsWhatItHasWhenItIsOpenedAgain) {
  const std::string key = base::random_uuid();
  must(store_->store(key, "{\"a\":1}"));
  store_.reset();
  store_ = backing_->open();
  EXPECT_EQ(must(store_->fetch(key)), "{\"a\":1}");
}

TEST_P(PayloadStoreConformance, ShowsOneStoreWhatAnotherStored) {
  const std::unique_ptr<PayloadStore> second = backing_->open();
  const std::string key = base::random_uuid();
  must(store_->store(key, "1"));
  EXPECT_EQ(must(second->fetch(key)), "1");
  must(second->store(key, "2"));
  EXPECT_EQ(must(store_->fetch(key)), "2");
  must(second->remove(key));
  EXPECT_FALSE(must(store_->exists(key)));
}

TEST_P(PayloadStoreConformance, TakesManyThreadsAtOnce) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([this, i] {
      for (int k = 0; k < 25; ++k) {
        const std::string key = base::random_uuid();
        const std::string data = "[" + std::to_string(i) + "," + std::to_string(k) + "]";
        must(store_->store(key, data));
        EXPECT_EQ(must(store_->fetch(key)), data);
        EXPECT_TRUE(must(store_->exists(key)));
        must(store_->remove(key));
        EXPECT_EQ(must(store_->fetch(key)), std::nullopt);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_P(PayloadStoreConformance, NeverShowsAPartOfWhatIsBeingReplaced) {
  const std::string key = base::random_uuid();
  const auto data_of = [](char c) { return "\"" + std::string(20000, c) + "\""; };
  must(store_->store(key, data_of('a')));
  std::atomic<int> writing{2};
  std::vector<std::thread> threads;
  for (const char c : {'b', 'c'}) {
    threads.emplace_back([&, c] {
      const std::unique_ptr<PayloadStore> store = backing_->open();
      for (int i = 0; i < 50; ++i) must(store->store(key, data_of(c)));
      --writing;
    });
  }
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      do {
        const auto data = must(store_->fetch(key));
        ASSERT_TRUE(data);
        ASSERT_TRUE(data->size() == 20002 && *data == data_of((*data)[1]));
      } while (writing > 0);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace patient_http::payload
