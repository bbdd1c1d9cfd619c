#include "infer/answer_text.h"

#include <gtest/gtest.h>

#include "infer/fake_model.h"

namespace maru::infer {
namespace {

class AnswerTextTest : public ::testing::Test {
 protected:
  text::Tokenizer tokenizer_ = byte_tokenizer();

  /// What comes out for each token: its text, and how many tokens with it.
  std::vector<std::pair<std::string, size_t>> feed(AnswerText& answer, std::string_view text) {
    std::vector<std::pair<std::string, size_t>> out;
    for (int32_t token : tokenizer_.encode(text)) {
      Piece piece;
      stopped_ = answer.push({.token = token}, piece);
      out.emplace_back(piece.text, piece.tokens.size());
    }
    return out;
  }
  Piece finish(AnswerText& answer) {
    Piece piece;
    answer.finish(piece);
    return piece;
  }
  bool stopped_ = false;
};

using Out = std::vector<std::pair<std::string, size_t>>;

TEST_F(AnswerTextTest, TokensOfACharacterComeWithIt) {
  AnswerText answer(tokenizer_, {}, true);
  EXPECT_EQ(feed(answer, "a가b"), (Out{{"a", 1}, {"", 0}, {"", 0}, {"가", 3}, {"b", 1}}));
}

TEST_F(AnswerTextTest, TokensHeldForAStopComeWithTheirText) {
  AnswerText answer(tokenizer_, {"xyz"}, true);
  EXPECT_EQ(feed(answer, "axyb"), (Out{{"a", 1}, {"", 0}, {"", 0}, {"xyb", 3}}));
  EXPECT_EQ(finish(answer).text, "");
}

TEST_F(AnswerTextTest, TokensOfTheStopAreDropped) {
  AnswerText answer(tokenizer_, {"가"}, true);
  EXPECT_EQ(feed(answer, "a가"), (Out{{"a", 1}, {"", 0}, {"", 0}, {"", 0}}));
  EXPECT_TRUE(stopped_);
  EXPECT_EQ(finish(answer).tokens.size(), 0u);
}

TEST_F(AnswerTextTest, TheEndGivesWhatWasHeld) {
  AnswerText answer(tokenizer_, {"stop"}, true);
  feed(answer, "st");
  Piece unfinished;
  answer.push({.token = 5 + 0xea}, unfinished);
  const Piece rest = finish(answer);
  EXPECT_EQ(unfinished.text + rest.text, "st\xEF\xBF\xBD");
  EXPECT_EQ(unfinished.tokens.size() + rest.tokens.size(), 3u);
}

TEST_F(AnswerTextTest, TheEndGivesTheBeginningOfAStopThatNeverCame) {
  AnswerText answer(tokenizer_, {"stop"}, true);
  EXPECT_EQ(feed(answer, "ast"), (Out{{"a", 1}, {"", 0}, {"", 0}}));
  const Piece rest = finish(answer);
  EXPECT_EQ(rest.text, "st");
  EXPECT_EQ(rest.tokens.size(), 2u);
}

TEST_F(AnswerTextTest, GoesOnWithTheTextOfThePrompt) {
  const std::vector<int32_t> before = tokenizer_.encode("a가");
  AnswerText cut(tokenizer_, {}, true, std::span(before).first(3));
  EXPECT_EQ(feed(cut, std::string("\x80") + "b"), (Out{{"가", 1}, {"b", 1}}));
  AnswerText whole(tokenizer_, {}, true, before);
  EXPECT_EQ(feed(whole, "b"), (Out{{"b", 1}}));
}

TEST_F(AnswerTextTest, SpecialAndUnknownTokensHaveNoText) {
  AnswerText answer(tokenizer_, {}, false);
  Piece piece;
  for (int32_t token : {0, 4, 5000}) EXPECT_FALSE(answer.push({.token = token}, piece));
  EXPECT_EQ(piece.text, "");
  EXPECT_TRUE(piece.tokens.empty());
}

TEST_F(AnswerTextTest, SpecialTokensThatAreShownAreText) {
  AnswerText answer(tokenizer_, {"m_end|>!"}, true, {}, {3});
  std::string text;
  size_t tokens = 0;
  for (const int32_t token : {5 + 'a', 2, 3, 4, 5 + 'b'}) {
    Piece piece;
    EXPECT_FALSE(answer.push({.token = token}, piece));
    text += piece.text, tokens += piece.tokens.size();
  }
  EXPECT_EQ(text, "a<|im_end|>b");
  EXPECT_EQ(tokens, 5u);
}

TEST_F(AnswerTextTest, KeepsTheStopWhereItIsToldTo) {
  AnswerText answer(tokenizer_, {"xyz"}, true, {}, {}, {.stop = true});
  EXPECT_EQ(feed(answer, "axyz"), (Out{{"a", 1}, {"", 0}, {"", 0}, {"xyz", 3}}));
  EXPECT_TRUE(stopped_);
  EXPECT_EQ("", finish(answer).text);
}

TEST_F(AnswerTextTest, ShowsSpecialTokensWhereItIsToldTo) {
  AnswerText hidden(tokenizer_, {}, false), shown(tokenizer_, {}, false, {}, {}, {.special = true});
  EXPECT_EQ(feed(hidden, "<|im_end|>"), (Out{{"", 0}}));
  EXPECT_EQ(feed(shown, "<|im_end|>"), (Out{{"<|im_end|>", 0}}));
}

}  // namespace
}  // namespace maru::infer
