#include "ledger/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/hash.h"
#include "ledger/artefact_writer.h"

namespace maru::ledger {
namespace {

using testing::HasSubstr;

// Two raw files -> dataset -> tokens (inside the dataset's directory) -> model; the model also names the dataset.
class VerifyTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(corpus_);
    write_file(corpus_ / "a.txt", "가나다");
    write_file(corpus_ / "b.txt", "라마바");
    make(dataset_, "dataset", [](const Place& place, const fs::path& corpus) {
      return std::vector{raw_input("raw", corpus / "a.txt", place), raw_input("raw", corpus / "b.txt", place)};
    });
    make(tokens_, "tokens",
         [&](const Place& place, const fs::path&) { return std::vector{artefact_input("dataset", dataset_, place)}; });
    make(model_, "model", [&](const Place& place, const fs::path&) {
      return std::vector{artefact_input("tokens", tokens_, place), artefact_input("dataset", dataset_, place)};
    });
  }
  void TearDown() override { fs::remove_all(root_); }

  template <class Inputs>
  void make(const fs::path& directory, const std::string& kind, const Inputs& inputs) {
    ArtefactWriter writer(directory);
    write_file(writer.directory() / (kind + ".bin"), "bytes of " + kind);
    Manifest manifest;
    manifest.kind = kind;
    manifest.name = directory.filename();
    manifest.inputs = inputs(Place{directory, home_}, corpus_);
    writer.commit(std::move(manifest));
  }

  const fs::path root_ = fs::temp_directory_path() / ("maru_verify_" + std::to_string(::getpid()));
  const fs::path home_ = root_ / "home", corpus_ = root_ / "corpus";
  const fs::path dataset_ = home_ / "datasets/d", tokens_ = home_ / "datasets/d/tokens-t", model_ = home_ / "models/m";
};

TEST_F(VerifyTest, WalksToTheRawFilesOnce) {
  uint64_t seen = 0;
  const VerifyReport report = verify(model_, [&](uint64_t done) { seen = done; });
  EXPECT_TRUE(report.ok()) << report.text();
  EXPECT_TRUE(report.unlisted.empty()) << report.text();
  EXPECT_EQ(3, report.artefacts);
  EXPECT_EQ(3 + 3 + 2, report.files) << "a file per artefact, three uses of a manifest, two raw files";
  EXPECT_EQ(report.bytes, seen);
  EXPECT_GT(report.bytes, 0u);
}

TEST_F(VerifyTest, FlippingAnyFileFailsAndNamesIt) {
  int flipped = 0;
  for (const fs::path& file : list_files(root_)) {
    const std::string content = read_file(file);
    for (const size_t at : {size_t{0}, content.size() / 2, content.size() - 1}) {
      std::string changed = content;
      changed[at] = static_cast<char>(changed[at] ^ 1);
      write_file(file, changed);
      const VerifyReport report = verify(model_);
      EXPECT_FALSE(report.ok()) << file;
      EXPECT_THAT(report.text(), HasSubstr(file.string()));
      ++flipped;
    }
    write_file(file, content);
  }
  EXPECT_EQ(8 * 3, flipped) << "three artefacts of two files each, and two raw files";
  EXPECT_TRUE(verify(model_).ok());
}

TEST_F(VerifyTest, MissingAndTruncatedFilesAreNamed) {
  for (const fs::path& file : {corpus_ / "a.txt", dataset_ / "dataset.bin", tokens_ / "manifest.json"}) {
    const std::string content = read_file(file);
    fs::remove(file);
    VerifyReport report = verify(model_);
    ASSERT_FALSE(report.ok());
    EXPECT_EQ(Problem::kMissing, report.problems[0].problem);
    EXPECT_EQ(file, report.problems[0].file);
    write_file(file, content.substr(1));
    report = verify(model_);
    ASSERT_FALSE(report.ok());
    EXPECT_EQ(Problem::kChanged, report.problems[0].problem);
    write_file(file, content);
  }
}

TEST_F(VerifyTest, UnlistedFilesAreAWarning) {
  write_file(dataset_ / "stray", "");
  const VerifyReport report = verify(model_);
  EXPECT_TRUE(report.ok());
  ASSERT_EQ(1u, report.unlisted.size());
  EXPECT_EQ(dataset_ / "stray", report.unlisted[0]);
}

// A loader that finds one of these reads it, and the model computes something else than what was verified.
TEST_F(VerifyTest, WhatLoadingWouldReadMustBeListed) {
  const std::vector<std::string> files{"model.safetensors.index.json",
                                       "other.safetensors",
                                       "model-00001-of-00002.safetensors",
                                       "model.gguf",
                                       "config.json",
                                       "generation_config.json",
                                       "tokenizer.json",
                                       "tokenizer.model",
                                       "tokenizer_config.json",
                                       "special_tokens_map.json",
                                       "added_tokens.json",
                                       "vocab.json",
                                       "vocab.txt",
                                       "merges.txt",
                                       "qwen.tiktoken",
                                       "chat_template.jinja",
                                       "chat_template.json",
                                       "additional_chat_templates/tool_use.jinja",
                                       "adapter_config.json",
                                       "adapter_model.safetensors",
                                       "modules.json",
                                       "1_Pooling/config.json",
                                       "2_Dense/model.safetensors"};
  for (const std::string& name : files) {
    fs::create_directories((model_ / name).parent_path());
    write_file(model_ / name, "{}");
    const VerifyReport report = verify(model_);
    ASSERT_EQ(1u, report.problems.size()) << name;
    EXPECT_EQ(Problem::kUnlisted, report.problems[0].problem);
    EXPECT_EQ(model_ / name, report.problems[0].file);
    EXPECT_THAT(report.problems[0].message, HasSubstr("not listed in " + (model_ / "manifest.json").string()));
    fs::remove(model_ / name);
  }
  EXPECT_TRUE(verify(model_).ok());
}

TEST_F(VerifyTest, AManifestOfItsOwnHidesNothing) {
  const fs::path folder = model_ / "additional_chat_templates";
  for (const std::string text : {"", "{}", R"({"kind": "evaluation"})"}) {
    fs::create_directories(folder);
    write_file(folder / "manifest.json", text);
    write_file(folder / "evil.jinja", "{{ 1 }}");
    EXPECT_EQ(2u, verify(model_).problems.size()) << text;
    fs::remove_all(folder);
  }
  make(folder, "evaluation", [](const Place&, const fs::path&) { return std::vector<ManifestInput>(); });
  write_file(folder / "evil.jinja", "{{ 1 }}");
  EXPECT_FALSE(verify(model_).ok()) << "an artefact of ours, where no loader should find one";
  fs::remove_all(folder);
  fs::create_directory_symlink(corpus_, folder);
  EXPECT_FALSE(verify(model_).ok()) << "a link to a folder";
  fs::remove(folder);
  make(model_ / "evaluation", "evaluation", [](const Place&, const fs::path&) { return std::vector<ManifestInput>(); });
  make(model_ / "evaluation-law", "evaluation",
       [](const Place&, const fs::path&) { return std::vector<ManifestInput>(); });
  const VerifyReport report = verify(model_);
  EXPECT_TRUE(report.ok() && report.unlisted.empty()) << report.text() << "evaluations lie there by design";
  write_file(model_ / "evaluation/manifest.json", "{}");
  EXPECT_FALSE(verify(model_).ok()) << "but a damaged one is not taken for one";
}

TEST_F(VerifyTest, ThatHoldsForEverythingThatIsLoadedOnTheWay) {
  write_file(dataset_ / "notes.json", "{}");
  EXPECT_TRUE(verify(model_).ok()) << "data is read by the names that its manifest lists";
  for (const std::string kind : {"adapter", "tokenizer", "checkpoint"}) {
    const fs::path place = home_ / "other" / kind;
    make(place, kind, [](const Place&, const fs::path&) { return std::vector<ManifestInput>(); });
    EXPECT_TRUE(verify(place).ok());
    write_file(place / "tokenizer_config.json", "{}");
    EXPECT_FALSE(verify(place).ok()) << kind;
  }
}

// Whoever can write the files can write the manifests: that is what the number is for.
TEST_F(VerifyTest, AChainThatWasRewrittenHasAnotherManifest) {
  const std::string before = verify(model_).manifest_sha256;
  EXPECT_EQ(sha256_file(model_ / "manifest.json"), before);
  Manifest manifest = read_manifest(model_);
  write_file(model_ / "model.bin", "other bytes");
  manifest.files = hash_files(model_);
  write_manifest(model_, manifest);
  const VerifyReport after = verify(model_);
  EXPECT_TRUE(after.ok()) << after.text();
  EXPECT_NE(before, after.manifest_sha256);
  EXPECT_THAT(after.text(), HasSubstr(after.manifest_sha256));
}

TEST_F(VerifyTest, TheHomeMayMove) {
  fs::rename(home_, root_ / "moved");
  EXPECT_TRUE(verify(root_ / "moved/models/m").ok()) << verify(root_ / "moved/models/m").text();
}

TEST_F(VerifyTest, NoManifestIsNotFound) {
  try {
    verify(corpus_);
    FAIL();
  } catch (const Failure& e) {
    EXPECT_EQ(ErrorCode::kNotFound, e.code());
    EXPECT_THAT(e.error().message, HasSubstr("manifest.json"));
  }
}

}  // namespace
}  // namespace maru::ledger
