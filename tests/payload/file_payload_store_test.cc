#include "patient_http/file_payload_store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/uuid.h"
#include "payload/file_size_limit.h"
#include "payload/payload_store_conformance.h"
#include "support/program.h"
#include "support/temporary_folder.h"

namespace patient_http::payload {
namespace {

namespace fs = std::filesystem;
using std::chrono::minutes;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

const std::string kKey = "07aa468d-b464-4e75-befb-4c20e7c4193d";

std::unique_ptr<FilePayloadStore> open(const std::string& directory) {
  auto store = FilePayloadStore::open(directory);
  if (!store) throw std::runtime_error(store.error().message);
  return std::move(*store);
}

class FileBacking final : public PayloadBacking {
 public:
  std::unique_ptr<PayloadStore> open() override { return payload::open(folder_.file("payloads")); }

 private:
  test::TemporaryFolder folder_;
};

INSTANTIATE_TEST_SUITE_P(File, PayloadStoreConformance,
                         testing::Values([] { return std::make_unique<FileBacking>(); }));

std::vector<std::string> names_in(const fs::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory))
    names.push_back(entry.path().filename().string());
  return names;
}

mode_t mode_of(const fs::path& path) {
  struct stat found {};
  EXPECT_EQ(::stat(path.c_str(), &found), 0) << path;
  return found.st_mode & 07777;
}

class FilePayloadStoreTest : public testing::Test {
 protected:
  fs::path directory() const { return folder_.path() / "a" / "payloads"; }

  test::TemporaryFolder folder_;
  std::unique_ptr<FilePayloadStore> store_ = open(directory().string());
};

TEST_F(FilePayloadStoreTest, HasTheLayoutOfTheGem) {
  ASSERT_TRUE(store_->store(kKey, R"({"a":"x"})"));
  EXPECT_THAT(names_in(directory()), ElementsAre(kKey + ".json"));
  EXPECT_EQ(test::read_file(directory() / (kKey + ".json")), R"({"a":"x"})");
}

TEST_F(FilePayloadStoreTest, ReadsWhatTheGemWrote) {
  test::write_file(directory() / (kKey + ".json"), R"({"a":"x"})");
  EXPECT_EQ(*store_->fetch(kKey), R"({"a":"x"})");
}

TEST_F(FilePayloadStoreTest, LetsNobodyElseRead) {
  ASSERT_TRUE(store_->store(kKey, "{}"));
  EXPECT_EQ(mode_of(directory()), 0700U);
  EXPECT_EQ(mode_of(directory() / (kKey + ".json")), 0600U);
}

TEST_F(FilePayloadStoreTest, LeavesTheModeOfADirectoryThatIsThere) {
  fs::permissions(directory(), fs::perms(0750));
  open(directory().string() + "/");
  EXPECT_EQ(mode_of(directory()), 0750U);
}

TEST_F(FilePayloadStoreTest, NeverLetsAnotherKeyReachTheFiles) {
  const fs::path outside = folder_.path() / "a" / "outside.json";
  test::write_file(outside, "untouched");
  for (const std::string& key :
       {std::string("../outside"), std::string("../../etc/passwd"), outside.string(), std::string(),
        std::string("."), std::string("outside"), kKey + "/../x",
        std::string("07AA468D-B464-4E75-BEFB-4C20E7C4193D"), kKey + '\0'}) {
    EXPECT_FALSE(store_->store(key, "{}")) << key;
    EXPECT_FALSE(store_->fetch(key)) << key;
    EXPECT_FALSE(store_->exists(key)) << key;
    const auto removed = store_->remove(key);
    ASSERT_FALSE(removed) << key;
    EXPECT_EQ(removed.error().message, "a payload's key is no UUID in lower case");
  }
  EXPECT_EQ(test::read_file(outside), "untouched");
  EXPECT_THAT(names_in(directory()), IsEmpty());
}

TEST_F(FilePayloadStoreTest, KeepsTheOldValueWhenTheNewOneFindsNoRoom) {
  ASSERT_TRUE(store_->store(kKey, "\"old\""));
  {
    const FileSizeLimit limit(4096);
    const auto full = store_->store(kKey, "\"" + std::string(100'000, 'x') + "\"");
    ASSERT_FALSE(full);
    EXPECT_THAT(full.error().message, HasSubstr("cannot write " + directory().string()));
    EXPECT_THAT(full.error().message, HasSubstr("File too large"));
  }
  EXPECT_EQ(*store_->fetch(kKey), "\"old\"");
  EXPECT_THAT(names_in(directory()), ElementsAre(kKey + ".json"));
}

// Nobody may write into /proc, not even root.
TEST_F(FilePayloadStoreTest, FailsWhereItMayNotWrite) {
  const auto store = open("/proc");
  const auto done = store->store(kKey, "{}");
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, HasSubstr("cannot create /proc/" + kKey));
  EXPECT_EQ(*store->fetch(kKey), std::nullopt);
}

TEST_F(FilePayloadStoreTest, SaysWhyItCannotOpen) {
  const std::string file = folder_.file("file");
  test::write_file(file, "");
  EXPECT_EQ(FilePayloadStore::open(file).error().message,
            "cannot use " + file + ": Not a directory");
  EXPECT_EQ(FilePayloadStore::open(file + "/x").error().message,
            "cannot create " + file + ": Not a directory");
  EXPECT_FALSE(FilePayloadStore::open("/proc/payloads"));
  EXPECT_FALSE(FilePayloadStore::open(""));
}

// A payload that seems to be gone is given up by whoever needs it.
TEST_F(FilePayloadStoreTest, DoesNotTakeAMissingDirectoryForMissingPayloads) {
  ASSERT_TRUE(store_->store(kKey, "{}"));
  fs::rename(directory(), folder_.path() / "elsewhere");
  EXPECT_FALSE(store_->fetch(kKey));
  EXPECT_FALSE(store_->exists(kKey));
  EXPECT_FALSE(store_->remove(kKey));
  EXPECT_FALSE(store_->store(kKey, "{}"));
  fs::rename(folder_.path() / "elsewhere", directory());
  EXPECT_EQ(*store_->fetch(kKey), "{}");
}

TEST_F(FilePayloadStoreTest, IsNotConfusedByAnotherWorkingDirectory) {
  const fs::path before = fs::current_path();
  fs::current_path(folder_.path());
  const auto store = open("relative/payloads");
  fs::current_path(before);
  ASSERT_TRUE(store->store(kKey, "{}"));
  EXPECT_TRUE(fs::exists(folder_.path() / "relative" / "payloads" / (kKey + ".json")));
}

TEST_F(FilePayloadStoreTest, RemovesOnlyOldLeftoversOfWriters) {
  const std::string unfinished = kKey + ".json.0123456789abcdef.tmp";
  const std::string other_key = base::random_uuid();
  const std::string young = other_key + ".json.0123456789abcdef.tmp";
  for (const std::string& name : {unfinished, young, kKey + ".json", std::string("mine.tmp"),
                                  std::string("mine.json.0123.tmp")}) {
    test::write_file(directory() / name, "x");
    const auto age = name == young ? minutes(59) : minutes(61);
    fs::last_write_time(directory() / name, fs::file_time_type::clock::now() - age);
  }
  open(directory().string());
  EXPECT_THAT(names_in(directory()),
              UnorderedElementsAre(young, kKey + ".json", "mine.tmp", "mine.json.0123.tmp"));
}

}  // namespace
}  // namespace patient_http::payload
