#include "ledger/content_hash.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/hash.h"
#include "ledger/artefact_writer.h"

namespace maru::ledger {
namespace {

class ContentHashTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(root_); }
  void TearDown() override { fs::remove_all(root_); }
  fs::path artefact() const {
    ArtefactWriter writer(root_ / "m");
    write_file(writer.directory() / "config.json", "{}");
    write_file(writer.directory() / "model.safetensors", std::string(1000, 'w'));
    write_file(writer.directory() / "README.md", "read me");
    Manifest manifest;
    manifest.kind = "model";
    manifest.name = "m";
    writer.commit(std::move(manifest));
    return root_ / "m";
  }
  const fs::path root_ = fs::temp_directory_path() / ("maru_content_hash_" + std::to_string(::getpid()));
};

std::string message_of(const fs::path& path) {
  try {
    content_hash(path);
    return "";
  } catch (const Failure& e) {
    EXPECT_EQ(ErrorCode::kDataLoss, e.code());
    return e.what();
  }
}

TEST_F(ContentHashTest, OfAnArtefactIsThatOfItsManifest) {
  const fs::path model = artefact();
  EXPECT_EQ((ContentHash{sha256_file(model / "manifest.json"), "manifest"}), content_hash(model));
}

TEST_F(ContentHashTest, AByteOfTheWeightsIsNamed) {
  const fs::path model = artefact();
  std::string weights(1000, 'w');
  weights[500] = 'v';
  write_file(model / "model.safetensors", weights);
  EXPECT_THAT(message_of(model), testing::StartsWith((model / "model.safetensors").string() + ": SHA-256 is "));
}

TEST_F(ContentHashTest, WhatLoadingWouldReadBesidesIsNamed) {
  const fs::path model = artefact();
  write_file(model / "notes.txt", "nobody reads this");
  write_file(model / "manifest.sig", "{}");
  EXPECT_EQ("", message_of(model));
  write_file(model / "chat_template.jinja", "{{ 'x' }}");
  EXPECT_THAT(message_of(model), testing::StartsWith((model / "chat_template.jinja").string() + ": not listed"));
}

TEST_F(ContentHashTest, OfOthersIsOfTheirFiles) {
  write_file(root_ / "b.safetensors", "b");
  write_file(root_ / "a.json", "a");
  write_file(root_ / "README.md", "c");
  const std::string list = sha256_hex("a") + "  a.json\n" + sha256_hex("b") + "  b.safetensors\n";
  EXPECT_EQ((ContentHash{sha256_hex(list), "files"}), content_hash(root_));
  EXPECT_EQ((ContentHash{sha256_hex("b"), "file"}), content_hash(root_ / "b.safetensors"));
  fs::create_directory(root_ / "empty");
  EXPECT_THROW(content_hash(root_ / "empty"), Failure);
}

TEST_F(ContentHashTest, AFileThatIsReplacedMeanwhileIsSeen) {
  const fs::path model = artefact();
  const LoadedContent loaded(model);
  loaded.check_unchanged();
  write_file(model / "model.safetensors", std::string(1000, 'w'));
  EXPECT_THROW(loaded.check_unchanged(), Failure);
}

}  // namespace
}  // namespace maru::ledger
