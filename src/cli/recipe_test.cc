#include "cli/recipe.h"

#include <gmock/gmock.h>

#include <set>

#include "base/error.h"
#include "base/json.h"
#include "cli/sample_corpus.h"
#include "cli/session.h"
#include "data/pack.h"

namespace maru::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Words = std::vector<std::string>;

class RecipeTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(root_ / "folder");
    for (const char* name : {"a.txt", "b.txt", "x=y.txt", "r.yaml", "other.yml", "bare"})
      write_file(root_ / name, "a: 1\n");
    write_file(root_ / "windows.txt", "\"C:\\data\"\n");
  }
  void TearDown() override { fs::remove_all(root_); }
  std::string at(const char* name) const { return (root_ / name).string(); }

  // The error of sorting these words behind `--input` of `inputs`, or "".
  std::string sort(const Words& words, Words inputs = {}) {
    CLI::App app;
    recipe_ = {};
    inputs_ = std::move(inputs);
    recipe_.add_to(&app, "", &inputs_);
    try {
      recipe_.take(words);
    } catch (const Failure& failure) {
      EXPECT_EQ(ErrorCode::kInvalidArgument, failure.code());
      return failure.what();
    }
    return "";
  }

  const fs::path root_ = fs::temp_directory_path() / ("maru_recipe_" + std::to_string(::getpid()));
  RecipeArguments recipe_;
  Words inputs_;
};

TEST_F(RecipeTest, WordsBehindAnInputAreInputs) {
  EXPECT_EQ("", sort({at("b.txt"), "train.steps=3", at("r.yaml"), at("folder"), "not-there.txt"}, {at("a.txt")}));
  EXPECT_THAT(inputs_, ElementsAre(at("a.txt"), at("b.txt"), at("folder"), "not-there.txt"));
  EXPECT_THAT(recipe_.overrides, ElementsAre("train.steps=3"));
  EXPECT_EQ(at("r.yaml"), recipe_.file);
  EXPECT_EQ("", sort({at("x=y.txt")}, {at("a.txt")})) << "a file whose name looks like an override";
  EXPECT_THAT(inputs_, ElementsAre(at("a.txt"), at("x=y.txt")));
}

TEST_F(RecipeTest, WithoutAnInputAWordIsARecipe) {
  EXPECT_EQ("", sort({at("bare"), "a=2"}));
  EXPECT_EQ(at("bare"), recipe_.file);
  EXPECT_EQ(2, recipe_.read()["a"]);
  EXPECT_THAT(inputs_, IsEmpty());
}

TEST_F(RecipeTest, SaysWhatWasExpected) {
  EXPECT_THAT(sort({at("folder")}),
              HasSubstr("is a folder, expected RECIPE.yaml or key=value; text to read is given with --input"));
  EXPECT_THAT(sort({at("r.yaml"), at("other.yml")}), HasSubstr("expected one recipe and key=value overrides, got"));
  EXPECT_THAT(sort({at("r.yaml"), at("other.yml")}, {at("a.txt")}), HasSubstr("other.yml"));
  EXPECT_EQ("", sort({at("windows.txt")}));
  try {
    recipe_.read();
    ADD_FAILURE();
  } catch (const Failure& failure) {
    EXPECT_THAT(failure.what(),
                HasSubstr("windows.txt\" meant as a recipe (YAML)? Text to read is given with --input"));
  }
}

TEST_F(RecipeTest, TheShellLeavesSomeTildes) {
  const char* home = std::getenv("HOME");
  ASSERT_NE(nullptr, home);
  EXPECT_EQ(fs::path(home) / "x/y", from_shell("~/x/y"));
  EXPECT_EQ("~user/x", from_shell("~user/x"));
  EXPECT_EQ("a/~/x", from_shell("a/~/x"));
}

class SampleCorpusTest : public RecipeTest {
 protected:
  std::string tool(const std::string& body) {
    write_file(root_ / "tool", "#!/bin/sh\n" + body);
    fs::permissions(root_ / "tool", fs::perms::owner_all);
    return at("tool");
  }
  Error error_of(const std::string& program) {
    try {
      sample_corpus(root_ / "home", program, root_ / "system");
    } catch (const Failure& failure) {
      return failure.error();
    }
    return {};
  }
};

TEST_F(SampleCorpusTest, AllFoldersOrNone) {
  EXPECT_THAT(sample_folders(root_), IsEmpty());
  fs::create_directories(root_ / "usr/share/help/ko");
  EXPECT_THAT(sample_folders(root_), IsEmpty());
  fs::create_directories(root_ / "usr/share/libreoffice/help/ko");
  fs::create_directories(root_ / "usr/share/doc/installation-guide-amd64/ko");
  EXPECT_THAT(sample_folders(root_), ElementsAre(at("usr/share/libreoffice/help/ko"), at("usr/share/help/ko"),
                                                 at("usr/share/doc/installation-guide-amd64/ko")));
}

TEST_F(SampleCorpusTest, QuestionsAndAnswersAreConversationsAndPutBackWhenTheyAreNotAsTheyShouldBe) {
  const fs::path home = root_ / "home";
  const std::string file = sample_chats(home), text = read_file(file);
  EXPECT_EQ(home / "corpus/chats-ko.jsonl", file);
  std::set<std::string> questions;
  size_t lines = 0;
  for (size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    const Result<data::ChatLine> line = data::parse_chat(std::string_view(text).substr(at, end - at), "line");
    ASSERT_TRUE(line.ok()) << line.error().message;
    const Json& messages = line.value().messages;
    EXPECT_EQ("assistant", messages.back()["role"]);
    questions.insert(messages[messages[0]["role"] == "system" ? 1 : 0]["content"].get<std::string>());
    ++lines;
  }
  EXPECT_GE(lines, 1000u);
  EXPECT_EQ(lines, questions.size()) << "no question twice";
  write_file(file, "cut");
  sample_chats(home);
  EXPECT_EQ(text, read_file(file));
}

TEST_F(SampleCorpusTest, IsFetchedOnceOrSaysWhyNot) {
  const fs::path home = root_ / "home";
  EXPECT_THAT(error_of("").message, HasSubstr("`./maru up` of a checkout fetches it"));
  EXPECT_EQ(ErrorCode::kInvalidArgument, error_of(tool("exit 2")).code);
  EXPECT_EQ(ErrorCode::kUnavailable, error_of(tool("exit 6")).code);
  EXPECT_THAT(error_of(tool("exit 6")).message, HasSubstr("maru up --input"));
  EXPECT_EQ(ErrorCode::kUnavailable, error_of(tool("exit 0")).code) << "nothing was fetched";
  EXPECT_EQ(ErrorCode::kUnavailable, error_of(at("no-such-tool")).code);
  const std::string fetch =
      tool("for d in libreoffice/help help doc/installation-guide-amd64; do mkdir -p $1/usr/share/$d/ko; done");
  EXPECT_EQ(3u, sample_corpus(home, fetch, root_ / "system").size());
  EXPECT_EQ(3u, sample_corpus(home, "", root_ / "system").size()) << "it stays";
}

}  // namespace
}  // namespace maru::cli
