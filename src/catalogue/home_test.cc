#include "catalogue/home.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "catalogue/adapter.h"
#include "catalogue/test_home.h"
#include "ledger/test_names.h"

namespace maru::catalogue {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class HomeTest : public testing::Test {
 protected:
  TestHome at_{"catalogue_home"};
  const Home& home_ = at_.home;
};

// Homes that are in use lie like this: whoever changes it has to take care of them.
TEST_F(HomeTest, TheLayoutIsTheOneOfTheHomesThatExist) {
  const std::vector<std::pair<Kind, std::string>> folders{{Kind::kDataset, "datasets"},
                                                          {Kind::kTokenizer, "tokenizers"},
                                                          {Kind::kModel, "models"},
                                                          {Kind::kAdapter, "adapters"},
                                                          {Kind::kRun, "runs"}};
  for (const auto& [kind, name] : folders) {
    EXPECT_EQ(home_.root() / name, home_.folder(kind));
    EXPECT_EQ(home_.root() / name / "x", home_.place(kind, "x"));
    EXPECT_EQ(kind, kind_of_folder(name));
  }
  EXPECT_EQ(std::nullopt, kind_of_folder("cache"));
  EXPECT_EQ(home_.root() / "cache/hashes.json", home_.hash_cache());
  EXPECT_EQ(home_.root() / "corpus/debian-ko", home_.sample_corpus());
  EXPECT_EQ(home_.root() / "corpus/chats-ko.jsonl", home_.sample_chats());
  EXPECT_EQ("a/train.jsonl.zst", split_file("a", "train"));
}

TEST_F(HomeTest, IsFoundByNameThenByPath) {
  const fs::path model = at_.add("models/tiny", "model"), data = at_.add("datasets/tiny", "dataset");
  EXPECT_EQ(model, home_.find(Kind::kModel, "tiny"));
  EXPECT_EQ(data, home_.find(Kind::kDataset, "tiny"));
  EXPECT_EQ(model, home_.find(Kind::kTokenizer, "tiny")) << "a model carries its tokenizer";
  EXPECT_EQ(at_.root, home_.find(Kind::kModel, (at_.root / "home" / "..").string() + "/").parent_path());
  EXPECT_EQ(model, home_.find_any("tiny"));
  fs::remove_all(model);
  EXPECT_EQ(data, home_.find_any("tiny"));
  const Error error = error_of([&] { home_.find(Kind::kDataset, "tinny"); });
  EXPECT_EQ(ErrorCode::kNotFound, error.code);
  EXPECT_EQ("datasets: \"tinny\" is neither a path nor one of: tiny", error.message);
  EXPECT_THAT(error_of([&] { home_.find_any("tinny"); }).message, HasSubstr("models: \"tinny\" is neither"));
}

TEST_F(HomeTest, NamesAreThoseOfArtefacts) {
  EXPECT_THAT(home_.names(Kind::kModel), IsEmpty());
  at_.add("models/b", "model"), at_.add("models/a", "model");
  fs::create_directories(home_.root() / "models/mine");
  fs::create_directories(home_.root() / "models/c.tmp-1");
  EXPECT_THAT(home_.names(Kind::kModel), ElementsAre("a", "b"));
}

TEST_F(HomeTest, ANameLeadsNowhereElse) {
  for (const ledger::NameCase& c : ledger::name_cases()) {
    if (c.why == nullptr)
      EXPECT_EQ(home_.root() / "models" / c.name, home_.place(Kind::kModel, c.name));
    else
      EXPECT_EQ(ErrorCode::kInvalidArgument, error_of([&] { home_.place(Kind::kModel, c.name); }).code);
  }
  EXPECT_THAT(error_of([&] { home_.place(Kind::kModel, "cafe\u0301"); }).message, HasSubstr("composed form"));
}

TEST_F(HomeTest, SomethingNewGoesToANameOrAPath) {
  EXPECT_EQ(home_.root() / "models/x", home_.new_place(Kind::kModel, "x", false));
  EXPECT_EQ(at_.root / "x", home_.new_place(Kind::kModel, (at_.root / "y/../x").string(), false));
  at_.add("models/x", "model");
  const Error error = error_of([&] { home_.new_place(Kind::kModel, "x", false); });
  EXPECT_EQ(ErrorCode::kExists, error.code);
  EXPECT_THAT(error.message, HasSubstr("--force replaces it"));
  EXPECT_NO_THROW(home_.new_place(Kind::kModel, "x", true));
}

TEST_F(HomeTest, LeftoversAreRemovedWhereverTheyLie) {
  std::vector<fs::path> leftovers;
  for (const char* place : {"cache/hashes.json", "datasets/x", "models/m/evaluation", "runs/r/checkpoints/step-1",
                            "keys.json", "signing/key.pem", "signing/public/0123.pem"}) {
    leftovers.push_back((home_.root() / place).string() + ".tmp-999999999");
    fs::create_directories(leftovers.back());
  }
  home_.remove_leftovers();
  for (const fs::path& leftover : leftovers) EXPECT_FALSE(fs::exists(leftover)) << leftover;
}

TEST_F(HomeTest, AdaptersAreFoundByNameOrPathWithOrWithoutAnotherName) {
  const fs::path mine = at_.add("adapters/mine", "adapter"), other = at_.root / "a=b";
  for (const fs::path& directory : {mine, other}) {
    fs::create_directories(directory);
    write_file(directory / kAdapterConfig, "{}");
  }
  EXPECT_EQ("", find_adapter(home_, "").directory);
  EXPECT_EQ(mine, find_adapter(home_, "mine").directory);
  EXPECT_EQ("", find_adapter(home_, "mine").name);
  EXPECT_EQ(mine, find_adapter(home_, "law=mine").directory);
  EXPECT_EQ("law", find_adapter(home_, "law=mine").name);
  EXPECT_EQ(other, find_adapter(home_, other.string()).directory) << "a path with a '='";
  EXPECT_EQ("adapters: \"none\" is neither a path nor one of: mine",
            error_of([&] { find_adapter(home_, "none"); }).message);
  EXPECT_EQ(mine, adapter_named(home_, "mine"));
  EXPECT_EQ(other, adapter_named(home_, other.string()));
  EXPECT_EQ(std::nullopt, adapter_named(home_, at_.root.string()));
}

}  // namespace
}  // namespace maru::catalogue
