#include "ledger/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
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
