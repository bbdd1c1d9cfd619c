#include "serving/fingerprint.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <set>

#include "base/json.h"

namespace maru::serving {
namespace {

class FingerprintTest : public testing::Test {
 protected:
  fs::path root_ = fs::temp_directory_path() / ("maru_fingerprint_" + std::to_string(::getpid()));
  std::string large_ = std::string(12 << 20, 'w');

  void SetUp() override {
    fs::remove_all(root_);
    fs::create_directories(root_ / "model");
    write_file(root_ / "model/config.json", "{}");
    write_file(root_ / "model/model.safetensors", large_);
  }
  void TearDown() override { fs::remove_all(root_); }
  std::string now(std::string_view besides = "avx2") { return system_fingerprint(root_ / "model", besides); }
};

TEST_F(FingerprintTest, IsTheSameBetweenRunsAndAnotherWhenAnythingIs) {
  const std::string first = now();
  EXPECT_EQ(first, now());
  EXPECT_EQ(19u, first.size());
  EXPECT_TRUE(first.starts_with("fp_"));
  std::set<std::string> all{first};
  const auto is_new = [&] { return all.insert(now()).second; };
  EXPECT_TRUE(all.insert(now("avx512")).second) << "the arithmetic";
  write_file(root_ / "model/config.json", "{ }");
  EXPECT_TRUE(is_new()) << "a small file";
  std::string tuned = large_;
  for (size_t i = 8 << 20; i < (8 << 20) + (128 << 10); ++i) tuned[i] = 'v';
  write_file(root_ / "model/model.safetensors", tuned);
  EXPECT_TRUE(is_new()) << "tuned weights of the same size and head";
  tuned = large_;
  tuned.back() = 'v';
  write_file(root_ / "model/model.safetensors", tuned);
  EXPECT_TRUE(is_new()) << "the last byte";
  write_file(root_ / "model/model.safetensors", large_ + "w");
  EXPECT_TRUE(is_new()) << "one byte more";
  fs::rename(root_ / "model/model.safetensors", root_ / "model/other.safetensors");
  EXPECT_TRUE(is_new()) << "another name";
  fs::create_directories(root_ / "adapter");
  write_file(root_ / "adapter/adapter_config.json", "{}");
  EXPECT_TRUE(all.insert(system_fingerprint(root_ / "adapter", now())).second) << "an adapter";
  EXPECT_TRUE(all.insert(system_fingerprint(root_ / "adapter", first)).second) << "the adapter of another model";
}

TEST_F(FingerprintTest, OfAnArtefactIsThatOfItsManifest) {
  write_file(root_ / "model/manifest.json", R"({"seal":"a"})");
  const std::string first = now();
  write_file(root_ / "model/model.safetensors", "others");
  EXPECT_EQ(first, now()) << "`maru verify` is who finds that";
  write_file(root_ / "model/manifest.json", R"({"seal":"b"})");
  EXPECT_NE(first, now());
}

TEST_F(FingerprintTest, TakesOneFileAndAnEmptyOne) {
  write_file(root_ / "m.gguf", "GGUF");
  const std::string gguf = weights_identity(root_ / "m.gguf");
  write_file(root_ / "m.gguf", "");
  EXPECT_NE(gguf, weights_identity(root_ / "m.gguf"));
}

}  // namespace
}  // namespace maru::serving
