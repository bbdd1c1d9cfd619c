#include "ledger/provenance.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "ledger/artefact_writer.h"

namespace maru::ledger {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ProvenanceTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(home_); }
  void TearDown() override { fs::remove_all(home_); }

  /// Writes an artefact; inputs are "role directory".
  fs::path write(const std::string& kind, const std::string& name,
                 const std::vector<std::pair<std::string, fs::path>>& inputs, std::vector<ForeignOrigin> foreign = {}) {
    const fs::path place = home_ / kind / name;
    ArtefactWriter writer(place);
    write_file(writer.directory() / "content", name);
    Manifest m;
    m.kind = kind;
    m.name = name;
    m.foreign = std::move(foreign);
    for (const auto& [role, directory] : inputs) m.inputs.push_back(artefact_input(role, directory, {place, home_}));
    writer.commit(m);
    return place;
  }

  fs::path import(const std::string& name) {
    return write("model", name, {},
                 {{.name = name,
                   .source = "/models/" + name,
                   .licence = "apache-2.0",
                   .tensors = {{"w." + name, std::string(64, 'a')}}}});
  }

  const fs::path home_ = fs::temp_directory_path() / ("maru_provenance_" + std::to_string(::getpid()));
};

TEST_F(ProvenanceTest, ATrainedModelIsFromScratch) {
  const fs::path tokens = write("tokens", "docs", {});
  const fs::path model = write("model", "m", {{"tokens", tokens}});
  EXPECT_TRUE(prove_from_scratch(model).ok());
  EXPECT_THAT(read_file(model / "manifest.json"), testing::Not(HasSubstr("foreign")));
}

TEST_F(ProvenanceTest, TheMarkIsInheritedThroughEveryStep) {
  const fs::path tokens = write("tokens", "docs", {});
  const fs::path tuned = write("model", "tuned", {{"tokens", tokens}, {"model", import("a")}});
  const fs::path merged = write("model", "merged", {{"model", tuned}, {"model", import("b")}});
  const Manifest m = read_manifest(merged);
  ASSERT_EQ(2u, m.foreign.size());
  EXPECT_EQ("a", m.foreign[0].name);
  EXPECT_EQ("apache-2.0", m.foreign[0].licence);
  const ScratchReport report = prove_from_scratch(merged);
  EXPECT_FALSE(report.ok());
  EXPECT_THAT(report.tensors, ElementsAre("w.a", "w.b"));
  EXPECT_THAT(report.text(), HasSubstr("FOREIGN  a from /models/a, licence apache-2.0: 1 tensors\n         w.a"));
}

TEST_F(ProvenanceTest, AnOriginReachedTwiceIsNamedOnce) {
  const fs::path tokens = write("tokens", "docs", {}), base = import("a");
  const fs::path one = write("model", "one", {{"tokens", tokens}, {"model", base}});
  const fs::path two = write("model", "two", {{"tokens", tokens}, {"model", base}});
  const fs::path merged = write("model", "merged", {{"model", one}, {"model", two}});
  EXPECT_EQ(1u, read_manifest(merged).foreign.size());
  EXPECT_EQ(1u, prove_from_scratch(merged).origins.size());
}

TEST_F(ProvenanceTest, DataThatAForeignModelWroteHandItOn) {
  const fs::path written = write("dataset", "synthetic", {{"model", import("teacher")}});
  const fs::path tokens = write("tokens", "t", {{"dataset", written}});
  EXPECT_THAT(prove_from_scratch(write("model", "student", {{"tokens", tokens}})).tensors, ElementsAre("w.teacher"));
}

TEST_F(ProvenanceTest, ATokenizerHandsNoWeightsOn) {
  const fs::path foreign = import("a");
  const fs::path tokens = write("tokens", "t", {{"tokenizer", foreign}});
  const fs::path model = write("model", "m", {{"tokens", tokens}, {"tokenizer", foreign}});
  EXPECT_TRUE(prove_from_scratch(model).ok());
  EXPECT_THAT(read_manifest(model).foreign, IsEmpty());
}

TEST_F(ProvenanceTest, AMissingMarkDoesNotHideTheAncestor) {
  const fs::path tokens = write("tokens", "docs", {});
  const fs::path tuned = write("model", "tuned", {{"tokens", tokens}, {"model", import("a")}});
  Manifest m = read_manifest(tuned);
  m.foreign.clear();
  write_manifest(tuned, m);
  EXPECT_THAT(prove_from_scratch(tuned).tensors, ElementsAre("w.a"));
}

TEST_F(ProvenanceTest, WhatCannotBeFollowedIsUnproven) {
  const ScratchReport orphan = prove_from_scratch(write("model", "orphan", {}));
  EXPECT_THAT(orphan.unproven, ElementsAre(HasSubstr("names neither training data nor a model")));
  EXPECT_FALSE(orphan.ok());
  EXPECT_THAT(orphan.text(), HasSubstr("not from scratch: 0 foreign tensors, 1 unproven"));
  const fs::path tokens = write("tokens", "docs", {});
  const fs::path model = write("model", "m", {{"tokens", tokens}});
  fs::remove_all(tokens);
  EXPECT_THAT(prove_from_scratch(model).unproven, ElementsAre(HasSubstr("docs/manifest.json")));
  EXPECT_THROW(prove_from_scratch(home_ / "nothing"), Failure);
}

}  // namespace
}  // namespace maru::ledger
