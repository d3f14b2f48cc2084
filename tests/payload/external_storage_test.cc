#include "payload/external_storage.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "payload/memory_payload_store.h"

namespace patient_http::payload {
namespace {

using testing::HasSubstr;

// Fails in the way that it is told.
class FailingStore final : public PayloadStore {
 public:
  enum class Way { kReturn, kThrow, kThrowNumber };
  explicit FailingStore(Way way) : way_(way) {}

  Result<void> store(const std::string&, std::string_view) override { return fail<void>(); }
  Result<std::optional<std::string>> fetch(const std::string&) override {
    return fail<std::optional<std::string>>();
  }
  Result<void> remove(const std::string&) override { return fail<void>(); }
  Result<bool> exists(const std::string&) override { return fail<bool>(); }

 private:
  template <class T>
  Result<T> fail() const {
    if (way_ == Way::kThrow) throw std::runtime_error("the bucket is gone");
    if (way_ == Way::kThrowNumber) throw 7;
    return failure("the bucket is gone");
  }

  Way way_;
};

TEST(ExternalStorageTest, KeepsNothingElsewhereWithoutAStore) {
  const ExternalStorage storage;
  EXPECT_FALSE(storage.is_large(std::string(1'000'000, 'x')));
}

TEST(ExternalStorageTest, KeepsElsewhereWhatIsLargerThanTheThreshold) {
  const ExternalStorage storage({{"files", std::make_shared<MemoryPayloadStore>()}}, 28);
  EXPECT_FALSE(storage.is_large(R"({"a":"xxxxxxxxxxxxxxxxxxxx"})"));
  EXPECT_TRUE(storage.is_large(R"({"a":"xxxxxxxxxxxxxxxxxxxxx"})"));
}

TEST(ExternalStorageTest, GivesBackWhatItStored) {
  const ExternalStorage storage({{"m", std::make_shared<MemoryPayloadStore>()}}, 0);
  const PayloadReference reference = storage.new_reference();
  ASSERT_TRUE(storage.store(reference, R"({"u":"é☃"})"));
  EXPECT_EQ(storage.fetch(reference), R"({"u":"é☃"})");
}

TEST(ExternalStorageTest, RemovesWhatIsNotThereToo) {
  const ExternalStorage storage({{"m", std::make_shared<MemoryPayloadStore>()}}, 0);
  const PayloadReference reference = storage.new_reference();
  ASSERT_TRUE(storage.store(reference, "{}"));
  EXPECT_TRUE(storage.remove(reference));
  EXPECT_TRUE(storage.remove(reference));
  const auto gone = storage.fetch(reference);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().message, "stored payload not found: m/" + reference.key());
}

TEST(ExternalStorageTest, WritesToTheLastStoreAndReadsAll) {
  const auto old = std::make_shared<MemoryPayloadStore>();
  const ExternalStorage before({{"old", old}}, 0);
  const PayloadReference first = before.new_reference();
  ASSERT_TRUE(before.store(first, "1"));

  const ExternalStorage after({{"old", old}, {"new", std::make_shared<MemoryPayloadStore>()}}, 0);

  const PayloadReference second = after.new_reference();
  EXPECT_EQ(second.store(), "new");
  ASSERT_TRUE(after.store(second, "2"));
  EXPECT_EQ(after.fetch(first), "1");
  EXPECT_EQ(after.fetch(second), "2");
  EXPECT_TRUE(after.remove(first));
}

TEST(ExternalStorageTest, SaysWhichStoreIsNotThere) {
  const ExternalStorage storage({{"m", std::make_shared<MemoryPayloadStore>()}}, 0);
  const PayloadReference reference = PayloadReference::create("nope");
  const std::string message = "there is no payload store with the name 'nope' here";
  EXPECT_EQ(storage.store(reference, "{}").error().message, message);
  EXPECT_EQ(storage.fetch(reference).error().message, message);
  EXPECT_EQ(storage.remove(reference).error().message, message);
  EXPECT_EQ(ExternalStorage().fetch(reference).error().message, message);
}

TEST(ExternalStorageTest, FailsWhenTheStoreFailsInWhateverWay) {
  for (const auto way : {FailingStore::Way::kReturn, FailingStore::Way::kThrow}) {
    const ExternalStorage storage({{"m", std::make_shared<FailingStore>(way)}}, 0);
    const PayloadReference reference = storage.new_reference();
    const std::string rest = " the payload m/" + reference.key() + ": the bucket is gone";
    EXPECT_EQ(storage.store(reference, "content").error().message, "cannot store" + rest);
    EXPECT_EQ(storage.fetch(reference).error().message, "cannot fetch" + rest);
    EXPECT_EQ(storage.remove(reference).error().message, "cannot remove" + rest);
  }
  const ExternalStorage storage(
      {{"m", std::make_shared<FailingStore>(FailingStore::Way::kThrowNumber)}}, 0);
  const auto done = storage.fetch(storage.new_reference());
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, HasSubstr("no std::exception"));
}

TEST(ExternalStorageTest, RefusesNamesThatAreNotValidOrTwiceThere) {
  const auto store = std::make_shared<MemoryPayloadStore>();
  using Stores = std::vector<NamedPayloadStore>;
  EXPECT_THROW(ExternalStorage(Stores{{"", store}}, 0), std::invalid_argument);
  EXPECT_THROW(ExternalStorage(Stores{{"a/b", store}}, 0), std::invalid_argument);
  EXPECT_THROW(ExternalStorage(Stores{{"a", nullptr}}, 0), std::invalid_argument);
  EXPECT_THROW(ExternalStorage(Stores{{"a", store}, {"b", store}, {"a", store}}, 0),
               std::invalid_argument);
}

}  // namespace
}  // namespace patient_http::payload
