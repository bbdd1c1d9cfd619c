#include "text/tokenizer/scanner.h"

#include <gmock/gmock.h>

#include "base/random.h"
#include "text/tokenizer/pre_tokenizer.h"
#include "text/tokenizer/regex.h"

namespace maru::text {
namespace {

using testing::ElementsAre;
using Pieces = std::vector<std::string>;

Pieces split(const std::string& pattern, std::string_view text) {
  const PreTokenizer pre_tokenizer = PreTokenizer::create({pattern}, "pattern").value();
  Pieces pieces;
  pre_tokenizer.split(text, [&](std::string_view piece) { pieces.emplace_back(piece); });
  return pieces;
}

Pieces ours(std::string_view text) { return split(maru_pattern(), text); }

TEST(Scanner, SeparatesHangulFromOtherLetters) {
  EXPECT_THAT(ours("GPU를 샀다."), ElementsAre("GPU", "를", " 샀다", "."));
  EXPECT_THAT(ours("한국어English日本語ひらカタ"), ElementsAre("한국어", "English", "日本語", "ひら", "カタ"));
  EXPECT_THAT(ours("ㅋㅋㅋ ㅠㅠ"), ElementsAre("ㅋㅋㅋ", " ㅠㅠ"));
  EXPECT_THAT(ours("らーめん ラーメン"), ElementsAre("らーめん", " ラーメン"));
  EXPECT_THAT(ours("二〇二四年"), ElementsAre("二〇二四年"));
}

TEST(Scanner, KeepsMarksAndJoinersWithTheirLetters) {
  EXPECT_THAT(ours("हिन्दी में"), ElementsAre("हिन्दी", " में"));
  EXPECT_THAT(ours("ภาษาไทยGPU"), ElementsAre("ภาษาไทย", "GPU"));
  EXPECT_THAT(ours("اَلْعَرَبِيَّةُ"), ElementsAre("اَلْعَرَبِيَّةُ"));
  EXPECT_THAT(ours("می‌خواهم"), ElementsAre("می‌خواهم"));
  EXPECT_THAT(ours("❤️‍🔥!"), ElementsAre("❤️‍🔥!"));
}

TEST(Scanner, DigitsPunctuationAndWhitespace) {
  EXPECT_THAT(ours("1234567원"), ElementsAre("123", "456", "7", "원"));
  EXPECT_THAT(ours("a = b;\n\n    c"), ElementsAre("a", " =", " b", ";\n\n", "   ", " c"));
  EXPECT_THAT(ours("a  \n \n  b"), ElementsAre("a", "  \n \n", " ", " b"));
  EXPECT_THAT(ours("a 1"), ElementsAre("a", " ", "1"));
  EXPECT_THAT(ours("a   "), ElementsAre("a", "   "));
}

TEST(Scanner, ContractionsStayWithTheirWord) {
  EXPECT_THAT(ours("don't it’s WE'LL"), ElementsAre("don't", " it’s", " WE'LL"));
  EXPECT_THAT(ours("Türkiye'de 'dog'"), ElementsAre("Türkiye", "'", "de", " '", "dog", "'"));
}

// Characters of every class, so that a few thousand short texts meet every pair of rules.
std::string random_text(Random& random) {
  static constexpr std::array<std::string_view, 40> kParts{
      " ",  " ",  "\t", "\n", "\r", "\u00a0", "\u3000", "'",        "’",      "s",
      "T",  "re", "VE", "ll", "d",  "m",      "ſ",      "0",        "12",     "٣",
      "〇", ".",  ",",  "<|", "-",  "\"",     "\u0301", "\u200c",   "\ufe0f", "\u0e34",
      "Ab", "é",  "ж",  "ع",  "हि", "กำ",     "가나",   "ㅋ\u302e", "漢々",   "ひカーｰ"};
  std::string text;
  for (uint64_t n = random.below(16) + 1; n > 0; --n) text += kParts[random.below(kParts.size())];
  return text;
}

TEST(Scanner, EqualsItsRegularExpression) {
  Random random(11);
  const auto classes = std::make_shared<const CharClasses>();
  for (const std::string& pattern :
       {maru_pattern(), std::string(kGpt2Pattern), std::string(kLlama3Pattern), std::string(kQwen2Pattern)}) {
    const Regex regex = Regex::compile(pattern, "pattern").value();
    const Scanner scanner = Scanner::of_pattern(pattern, classes).value();
    for (int round = 0; round < 5000; ++round) {
      const std::string text = random_text(random);
      Pieces expected, got;
      regex.split(text, [&](std::string_view p) { expected.emplace_back(p); });
      scanner.split(text, [&](std::string_view p) { got.emplace_back(p); });
      ASSERT_EQ(got, expected) << pattern << "\n" << testing::PrintToString(text);
    }
  }
}

TEST(Scanner, PiecesOfAnyBytesAreTheText) {
  Random random(12);
  for (const std::string& pattern :
       {maru_pattern(), std::string(kGpt2Pattern), std::string(kLlama3Pattern), std::string("[ab]+")})
    for (int round = 0; round < 500; ++round) {
      std::string text(random.below(40), '\0'), joined;
      for (char& c : text) c = static_cast<char>(random.below(4) == 0 ? random.below(256) : 0xE0 + random.below(16));
      for (const std::string& piece : split(pattern, text)) joined += piece;
      ASSERT_EQ(joined, text);
    }
}

TEST(Regex, NamesABadPattern) {
  const auto bad = Regex::compile("a(b", "file: pre_tokenizer.pattern");
  ASSERT_FALSE(bad.ok());
  EXPECT_THAT(bad.error().message, testing::HasSubstr("file: pre_tokenizer.pattern: not a valid regular expression"));
}

// As tokenizers does: an empty match ends a piece, but not right behind another match.
TEST(Regex, EmptyMatchesEndPieces) { EXPECT_THAT(split("x*", "axxb가"), ElementsAre("a", "xx", "b", "가")); }

TEST(Regex, RunawayPatternsAreStopped) {
  const std::string text(60, 'a');
  EXPECT_THROW(split("(?:a|a)+$", text + "c"), Failure);
}

TEST(PreTokenizer, StagesNest) {
  const PreTokenizer pre_tokenizer = PreTokenizer::create({"[0-9]", std::string(kGpt2Pattern)}, "p").value();
  Pieces pieces;
  pre_tokenizer.split("ab12 cd", [&](std::string_view p) { pieces.emplace_back(p); });
  EXPECT_THAT(pieces, ElementsAre("ab", "1", "2", " cd"));
}

}  // namespace
}  // namespace maru::text
