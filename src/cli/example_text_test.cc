#include "cli/example_text.h"

#include <gtest/gtest.h>

namespace maru::cli {
namespace {

TEST(ExampleText, MarksWhatIsLearnt) {
  const pipeline::Examples examples{{.documents = 5, .held_out = 1, .tokens = 40, .learned = 10, .longest = 12},
                                    {{3, 9, 4, {{"<|user|>묻다", false}, {"답", true}, {"\n", false}}}}};
  EXPECT_EQ(
      "── document 3: 9 tokens, 4 learnt ──\n<|user|>묻다⟦답⟧\n\n"
      "5 documents to learn from, 1 held out; 40 tokens, 25 % of them learnt; the longest 12",
      show(examples, false));
  EXPECT_NE(std::string::npos, show(examples, true).find("묻다\033[32m답\033[0m\n"));
}

TEST(ExampleText, CountsPairs) {
  const pipeline::Examples examples{
      {.documents = 4, .held_out = 2, .tokens = 8, .learned = 8, .longest = 2, .pairs = true},
      {{2, 2, 2, {{"a", true}}}, {3, 2, 2, {{"b", true}}}}};
  EXPECT_EQ(
      "── pair 1, the chosen answer: 2 tokens, 2 learnt ──\n⟦a⟧\n\n── pair 1, the rejected answer: 2 tokens, 2 learnt "
      "──\n⟦b⟧\n\n2 pairs to learn from, 1 held out; 8 tokens, 100 % of them learnt; the longest 2",
      show(examples, false));
}

TEST(ExampleText, LetsNoDataSpeakToTheTerminal) {
  const pipeline::Examples examples{{}, {{0, 1, 1, {{"a\033[2J\x07\r\x7f\xc2\x9b\t\n한", false}}}}};
  const std::string text = show(examples, true);
  EXPECT_NE(std::string::npos, text.find("a\\x1b[2J\\x07\\x0d\\x7f\\x9b\t\n한")) << text;
}

}  // namespace
}  // namespace maru::cli
