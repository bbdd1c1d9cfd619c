#include "pipeline/examples.h"

#include <gmock/gmock.h>

#include "base/json.h"
#include "catalogue/test_home.h"
#include "pipeline/tokenize.h"

namespace maru::pipeline {
namespace {

using catalogue::error_of;
using testing::HasSubstr;

class ExamplesTest : public testing::Test {
 protected:
  void SetUp() override {
    write_file(root_ / "texts.txt", "some text\nand more of it");
    TokenizeConfig tokenizer{.name = "t", .inputs = {(root_ / "texts.txt").string()}};
    tokenizer.trainer.vocab_size = 280;
    tokenize(at_, tokenizer);
    write_file(root_ / "chats.jsonl",
               "{\"prompt\": \"하나\", \"completion\": \"둘\"}\n{\"prompt\": \"a\", \"completion\": \"bc\"}\n");
  }
  std::string file(const char* name) const { return (root_ / name).string(); }
  static std::string learnt(const Example& example) {
    std::string text;
    for (const ExamplePiece& piece : example.pieces) text += piece.learned ? piece.text : "";
    return text;
  }
  std::string error(const ExamplesConfig& config) const {
    return error_of([&] { examples_of(at_, config); }).message;
  }

  const catalogue::TestHome home_{"pipeline_examples"};
  const fs::path& root_ = home_.root;
  Machine machine_{2};
  const Workplace at_{home_.home, machine_, {}};
};

TEST_F(ExamplesTest, ShowWhatIsLearntOfFilesAndOfPackedTokens) {
  const Examples examples = examples_of(at_, {.data = file("chats.jsonl"), .tokenizer = "t"});
  ASSERT_EQ(2u, examples.shown.size());
  EXPECT_EQ("둘<|im_end|>", learnt(examples.shown[0]));
  EXPECT_EQ("bc<|im_end|>", learnt(examples.shown[1]));
  EXPECT_EQ(2, examples.figures.documents);
  EXPECT_EQ(examples.shown[0].tokens + examples.shown[1].tokens, examples.figures.tokens);
  EXPECT_EQ(examples.shown[0].learned + examples.shown[1].learned, examples.figures.learned);
  EXPECT_EQ(std::max(examples.shown[0].tokens, examples.shown[1].tokens), examples.figures.longest);
  const PackedTokens packed = pack_chats(at_, "c", "t", {.inputs = {file("chats.jsonl")}, .held_out = 0});
  const Examples again = examples_of(at_, {.data = "c/tokens-t", .first = 1});
  ASSERT_EQ(1u, again.shown.size());
  EXPECT_EQ("bc<|im_end|>", learnt(again.shown[0]));
  EXPECT_EQ(1, again.shown[0].document);
  write_file(root_ / "pairs.jsonl", "{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": \"c\"}\n");
  const Examples pairs = examples_of(at_, {.data = file("pairs.jsonl"), .tokenizer = "t"});
  EXPECT_TRUE(pairs.figures.pairs);
  EXPECT_EQ("c<|im_end|>", learnt(pairs.shown.at(1)));
}

TEST_F(ExamplesTest, AreRefusedByName) {
  EXPECT_THAT(error({.data = file("chats.jsonl")}), HasSubstr("chats.jsonl: is a file: --tokenizer says"));
  EXPECT_THAT(error({.data = file("chats.jsonl"), .tokenizer = "t", .first = 2}), HasSubstr("expected 0 to 1"));
  write_file(root_ / "bad.jsonl",
             "{\"prompt\": \"a\", \"completion\": \"b\"}\n{\"prompt\": 1, \"completion\": \"b\"}\n");
  EXPECT_THAT(error({.data = file("bad.jsonl"), .tokenizer = "t"}),
              HasSubstr("bad.jsonl:2: prompt: expected a string"));
  home_.add("datasets/d", "dataset");
  EXPECT_THAT(error({.data = "d"}), HasSubstr("is not packed"));
  EXPECT_THAT(error({.data = "nothing"}), HasSubstr("nothing"));
}

}  // namespace
}  // namespace maru::pipeline
