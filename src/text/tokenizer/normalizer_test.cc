#include "text/tokenizer/normalizer.h"

#include <gtest/gtest.h>

#include "text/tokenizer/charsmap.h"

namespace maru::text {
namespace {

std::string normalized(const std::vector<NormalizerStep>& steps, std::string_view text) {
  return Normalizer::create(steps, "t").value()(text);
}

TEST(Normalizer, FormsAndBytesThatAreNoText) {
  using normalizers::Form;
  EXPECT_EQ(normalized({normalizers::Unicode{Form::kNfd}}, "é가"), "e\u0301\u1100\u1161");
  EXPECT_EQ(normalized({normalizers::Unicode{Form::kNfkc}},
                       "ﬁ２\xFF"
                       "e\u0301"),
            "fi2\xFF"
            "é");
  EXPECT_EQ(normalized({normalizers::Unicode{Form::kNfkd}}, "㎏"), "kg");
  EXPECT_EQ(normalized({}, "é"), "é");
}

TEST(Normalizer, LowerCaseKnowsTheDottedI) {
  EXPECT_EQ(normalized({normalizers::Lowercase{}}, "İÀΣ\xC3"), "i\u0307àσ\xC3");
}

TEST(Normalizer, StripTakesWhiteSpaceOfBothEnds) {
  EXPECT_EQ(normalized({normalizers::Strip{}}, "\u3000 a b\n"), "a b");
  EXPECT_EQ(normalized({normalizers::Strip{true, false}}, " a "), "a ");
  EXPECT_EQ(normalized({normalizers::Strip{false, true}}, " a "), " a");
  EXPECT_EQ(normalized({normalizers::Strip{false, true}}, "  "), "");
  EXPECT_EQ(normalized({normalizers::Strip{false, false}}, "  "), "  ");
}

TEST(Normalizer, BertCleansSpacesAccentsAndCase) {
  EXPECT_EQ(normalized({normalizers::Bert{}}, "Ça\tva中x\u200d"), "ca va 中 x");
  normalizers::Bert cased{.clean_text = true, .handle_chinese_chars = false, .strip_accents = {}, .lowercase = false};
  EXPECT_EQ(normalized({cased}, "É中"), "É中");
  cased.strip_accents = true;
  EXPECT_EQ(normalized({cased}, "É中"), "E中");
}

TEST(Normalizer, ReplacePrependAndBytes) {
  EXPECT_EQ(normalized({normalizers::Replace{{" {2,}", true}, "_"}}, "a   b c"), "a_b c");
  EXPECT_EQ(normalized({normalizers::Replace{{".", false}, "!"}}, "a.b"), "a!b");
  EXPECT_EQ(normalized({normalizers::Prepend{"▁"}, normalizers::Replace{{" ", false}, "▁"}}, "a b"), "▁a▁b");
  EXPECT_EQ(normalized({normalizers::Prepend{"▁"}}, ""), "");
  EXPECT_EQ(normalized({normalizers::ByteLevel{}}, "é "), "Ã©Ġ");
  EXPECT_EQ(normalized({normalizers::Nmt{}}, "a\x01\t\u200bb"), "a  b");
  EXPECT_FALSE(Normalizer::create({normalizers::Replace{{"(", true}, ""}}, "t").ok());
}

// A double array with the keys "a" → "x" and "ab" → "yz": units as darts-clone lays them out.
std::string small_charsmap() {
  std::vector<uint32_t> units(256 + 256, 0);
  const auto offset = [](uint32_t from, uint32_t to) { return (from ^ to) << 10; };
  constexpr uint32_t kRootBase = 128, kAfterA = 256, kAfterB = 384, kHasValue = 1 << 8;
  units[0] = offset(0, kRootBase);
  const uint32_t a = kRootBase ^ 'a';
  units[a] = 'a' | kHasValue | offset(a, kAfterA);
  units[kAfterA] = 1u << 31 | 0;
  const uint32_t b = kAfterA ^ 'b';
  units[b] = 'b' | kHasValue | offset(b, kAfterB);
  units[kAfterB] = 1u << 31 | 2;
  const uint32_t bytes = static_cast<uint32_t>(4 * units.size());
  std::string blob(reinterpret_cast<const char*>(&bytes), 4);
  blob.append(reinterpret_cast<const char*>(units.data()), bytes);
  return blob + std::string("x\0yz\0", 5);
}

TEST(Charsmap, FindsTheShortestAndTheLongestKey) {
  const Charsmap map = Charsmap::parse(small_charsmap(), "t").value();
  EXPECT_EQ(map.longest("abc").replacement, "yz");
  EXPECT_EQ(map.longest("abc").length, 2u);
  EXPECT_EQ(map.shortest("abc").replacement, "x");
  EXPECT_EQ(map.longest("b").length, 0u);
  EXPECT_EQ(map.longest("").length, 0u);
  EXPECT_EQ(normalized({normalizers::Precompiled{small_charsmap()}}, "cab"), "cxb");
}

TEST(Charsmap, BytesThatLieAreRefusedOrHarmless) {
  EXPECT_FALSE(Charsmap::parse("abc", "t").ok());
  EXPECT_FALSE(Charsmap::parse(std::string("\xFF\xFF\xFF\x7F\0\0", 6), "t").ok());
  std::string open = small_charsmap();
  open.back() = 'x';
  EXPECT_FALSE(Charsmap::parse(open, "t").ok());
  std::string wild = small_charsmap();
  for (size_t i = 4; i + 4 < wild.size(); i += 3) wild[i] = '\xF7';
  const Result<Charsmap> map = Charsmap::parse(wild, "t");
  if (map.ok()) map.value().longest("abcdef\xFFzz");
}

TEST(Normalizer, SentencePieceSqueezesSpaces) {
  normalizers::SentencePiece step;
  EXPECT_EQ(normalized({step}, "  a   b "), "▁a▁b");
  EXPECT_EQ(normalized({step}, "   "), "");
  EXPECT_EQ(normalized({step}, "a\xFF"), "▁a\uFFFD");
  step.whitespace_as_suffix = true;
  EXPECT_EQ(normalized({step}, "a b"), "a▁b▁");
  step = {.charsmap = small_charsmap(), .remove_extra_whitespaces = false, .user_defined = {"abq"}};
  EXPECT_EQ(normalized({step}, "ab  abq"), "▁yz▁▁abq");
}

}  // namespace
}  // namespace maru::text
