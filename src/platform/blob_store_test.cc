#include "platform/blob_store.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <thread>

#include "base/error.h"

namespace maru::platform {
namespace {

using testing::HasSubstr;

class BlobStoreTest : public testing::Test {
 protected:
  ~BlobStoreTest() override { fs::remove_all(root_); }
  Blob put(BlobStore& store, std::string_view bytes) const {
    BlobWriter writer = store.writer();
    writer.write(bytes);
    return writer.commit();
  }
  size_t files() const { return list_files(root_).size(); }
  const fs::path root_ = fs::temp_directory_path() / ("maru_blobs_" + std::to_string(::getpid()));
};

TEST_F(BlobStoreTest, KeepsBytesOnceUnderTheirHash) {
  BlobStore store(root_);
  const Blob blob = put(store, "abc");
  EXPECT_EQ(blob.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180-2, B.1
  EXPECT_EQ(blob.size, 3u);
  EXPECT_EQ(put(store, "abc").sha256, blob.sha256);
  EXPECT_EQ(files(), 1u);
  EXPECT_EQ(read_file(store.path_of(blob.sha256)), "abc");
  EXPECT_EQ(store.find(blob.sha256)->size, 3u);
  EXPECT_FALSE(store.find(std::string(64, '0')));
  for (const char* no :
       {"", "..", "../../etc/passwd", "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"})
    EXPECT_FALSE(store.find(no)) << no;
  EXPECT_EQ(put(store, "").size, 0u);
}

TEST_F(BlobStoreTest, WhatIsNotWhatItShouldBeIsNotKept) {
  BlobStore store(root_);
  const Blob blob = put(store, "abc");
  for (const Blob& expected : {Blob{blob.sha256, 4}, Blob{std::string(64, '0'), 3}}) {
    BlobWriter writer = store.writer();
    writer.write("abc");
    try {
      writer.commit(expected);
      FAIL();
    } catch (const Failure& e) {
      EXPECT_EQ(e.code(), ErrorCode::kDataLoss);
      EXPECT_THAT(e.what(), HasSubstr("got 3 bytes with ba7816bf"));
    }
  }
  { store.writer().write("given up"); }
  EXPECT_EQ(files(), 1u);
}

TEST_F(BlobStoreTest, ManySmallOnesComeTogether) {
  BlobStore store(root_);
  const Blob there = put(store, "5");
  std::vector<Blob> blobs;
  {
    BlobBatch batch = store.batch();
    for (int i = 0; i < 200; ++i) blobs.push_back(batch.add(std::to_string(i % 150)));
    batch.add("the last of them");
    batch.flush();
    batch.flush();
    batch.add("given up");
  }
  EXPECT_EQ(blobs[5].sha256, there.sha256);
  for (size_t i = 0; i < blobs.size(); ++i)
    EXPECT_EQ(read_file(store.path_of(blobs[i].sha256)), std::to_string(i % 150));
  EXPECT_EQ(files(), 151u) << "each once, and nothing half";
}

TEST_F(BlobStoreTest, UploadsMeetWithoutHarm) {
  BlobStore store(root_), other(root_);  // as two processes would
  std::vector<std::jthread> writers;
  for (int i = 0; i < 8; ++i)
    writers.emplace_back([&, i] {
      for (int k = 0; k < 50; ++k) put(i % 2 == 0 ? store : other, std::string(1000, static_cast<char>('a' + k % 5)));
    });
  writers.clear();
  EXPECT_EQ(files(), 5u);
}

TEST_F(BlobStoreTest, CollectsWhatNobodyRefersToOrHasJustBrought) {
  BlobStore store(root_);
  const Blob kept = put(store, "kept"), gone = put(store, "gone"), fresh = put(store, "fresh");
  for (const Blob& old : {kept, gone})
    fs::last_write_time(store.path_of(old.sha256), fs::file_time_type::clock::now() - std::chrono::hours(48));
  write_file(root_ / "blobs/thesis.txt", "somebody's");
  fs::last_write_time(root_ / "blobs/thesis.txt", fs::file_time_type::clock::now() - std::chrono::hours(48));
  const auto referred = [&](const std::string& sha256) { return sha256 == kept.sha256; };
  EXPECT_EQ(store.collect(referred, std::chrono::hours(24)), 1);
  EXPECT_TRUE(store.find(kept.sha256));
  EXPECT_FALSE(store.find(gone.sha256));
  EXPECT_TRUE(store.find(fresh.sha256));
  EXPECT_TRUE(fs::exists(root_ / "blobs/thesis.txt")) << "not Maru's";
  fs::last_write_time(store.path_of(fresh.sha256), fs::file_time_type::clock::now() - std::chrono::hours(48));
  store.find(fresh.sha256);  // somebody is about to use it
  EXPECT_EQ(store.collect(referred, std::chrono::hours(24)), 0);
}

}  // namespace
}  // namespace maru::platform
