#include "catalogue/dependencies.h"

#include <gmock/gmock.h>

#include "base/json.h"
#include "catalogue/listing.h"
#include "catalogue/test_home.h"

namespace maru::catalogue {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DependenciesTest : public testing::Test {
 protected:
  std::vector<std::string> dependents_of(const fs::path& directory) const {
    return Dependencies(at_.home).dependents_of(directory);
  }
  Entry entry_of(Kind kind, const std::string& name) const {
    for (Entry& entry : list(at_.home, kind))
      if (entry.name == name) return entry;
    ADD_FAILURE() << name << " is not listed";
    return {};
  }

  const TestHome at_{"catalogue_dependencies"};
  const fs::path data_ = at_.add("datasets/d", "dataset"), tokenizer_ = at_.add("tokenizers/t", "tokenizer"),
                 tokens_ = at_.add("datasets/d/tokens-t", "tokens", {{"dataset", data_}, {"tokenizer", tokenizer_}}),
                 model_ = at_.add("models/m", "model", {{"tokens", tokens_}, {"tokenizer", tokenizer_}});
};

TEST_F(DependenciesTest, FollowInputsButNotWithinOneDirectory) {
  EXPECT_THAT(dependents_of(data_), ElementsAre("models/m"));
  EXPECT_THAT(dependents_of(tokens_), ElementsAre("models/m"));
  EXPECT_THAT(dependents_of(tokenizer_), ElementsAre("datasets/d/tokens-t", "models/m"));
  EXPECT_THAT(dependents_of(model_), IsEmpty());
  at_.add("models/m/evaluation", "evaluation", {{"model", model_}, {"tokens", tokens_}});
  EXPECT_THAT(dependents_of(model_), IsEmpty()) << "its evaluation goes with it";
  EXPECT_THAT(dependents_of(data_), ElementsAre("models/m", "models/m/evaluation"));
  at_.add("models/m2", "model");
  EXPECT_THAT(dependents_of(at_.home.root() / "models/m2"), IsEmpty()) << "m is not in m2, nor m2 in m";
}

TEST_F(DependenciesTest, FollowRunsWithAndWithoutCheckpoints) {
  const fs::path run = at_.home.root() / "runs/r";
  fs::create_directories(run);
  write_json(run / "recipe.json", {{"tokens", "../../datasets/d/tokens-t"}, {"tokenizer", ""}, {"steps", 3}});
  EXPECT_THAT(dependents_of(data_), ElementsAre("models/m", "runs/r"));
  write_file(run / "recipe.json", "{");
  EXPECT_THAT(dependents_of(data_), ElementsAre("models/m"));
  at_.add("runs/r/checkpoints/step-1", "checkpoint", {{"tokens", tokens_}});
  EXPECT_THAT(dependents_of(data_), ElementsAre("models/m", "runs/r")) << "the run, not its checkpoint";
}

TEST_F(DependenciesTest, FollowLinks) {
  const fs::path linked = at_.add("models/linked", "model");
  fs::create_symlink(model_ / "file", linked / "weights");
  EXPECT_THAT(dependents_of(model_), ElementsAre("models/linked"));
}

TEST_F(DependenciesTest, AHomeReachedThroughALinkIsTheSame) {
  fs::create_directory_symlink(at_.home.root(), at_.root / "link");
  EXPECT_THAT(Dependencies(Home(at_.root / "link")).dependents_of(data_), ElementsAre("models/m"));
}

TEST_F(DependenciesTest, AreListedWithSizeAndOrigin) {
  const Entry entry = entry_of(Kind::kModel, "m");
  EXPECT_EQ(model_, entry.path);
  EXPECT_THAT(entry.from, ElementsAre("datasets/d/tokens-t", "tokenizers/t"));
  EXPECT_THAT(entry.foreign, IsEmpty());
  EXPECT_EQ("", entry.obstacle);
  EXPECT_GT(entry.made, 1'600'000'000);
  EXPECT_EQ(fs::file_size(model_ / "file") + fs::file_size(model_ / "manifest.json"), entry.bytes);
  EXPECT_THAT(entry_of(Kind::kTokenizer, "t").dependents, ElementsAre("datasets/d/tokens-t", "models/m"));
  EXPECT_EQ(3u, list(at_.home).size());
}

TEST_F(DependenciesTest, OriginsFromOutsideAreListed) {
  at_.add("models/f", "model", {}, {{.name = "f", .source = "https://example.org/f", .licence = "mit", .tensors = {}}});
  EXPECT_THAT(entry_of(Kind::kModel, "f").foreign, ElementsAre("f from https://example.org/f"));
}

TEST_F(DependenciesTest, OneDamagedOrStrangeDirectoryHidesNoOther) {
  write_file(at_.add("models/broken", "model") / "manifest.json", "{");
  fs::create_directories(at_.home.root() / "models/mine");
  EXPECT_EQ(3u, list(at_.home, Kind::kModel).size());
  EXPECT_THAT(entry_of(Kind::kModel, "broken").obstacle, HasSubstr("manifest.json"));
  EXPECT_THAT(entry_of(Kind::kModel, "mine").obstacle, HasSubstr("Maru did not make it"));
  EXPECT_EQ("", entry_of(Kind::kModel, "m").obstacle);
}

}  // namespace
}  // namespace maru::catalogue
