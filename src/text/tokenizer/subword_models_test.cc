// Models of characters and words, each against a definition or by hand, and all against texts made to stall them.
#include <gtest/gtest.h>

#include <ctime>
#include <map>

#include "base/random.h"
#include "text/tokenizer/char_bpe_model.h"
#include "text/tokenizer/encoder.h"
#include "text/tokenizer/files/spelled_merges.h"
#include "text/tokenizer/train/testing.h"
#include "text/tokenizer/unigram_model.h"
#include "text/tokenizer/word_models.h"

namespace maru::text {
namespace {

using Ids = std::vector<int32_t>;

std::shared_ptr<const TokenTable> table_of(const std::vector<std::string>& tokens) {
  std::vector<std::pair<int32_t, std::string>> list;
  for (const std::string& token : tokens) list.emplace_back(static_cast<int32_t>(list.size()), token);
  return std::make_shared<const TokenTable>(list);
}

Ids encode(const SubwordModel& model, std::string_view piece) {
  Ids ids;
  model.encode_piece(piece, *model.make_scratch(), ids);
  return ids;
}

TEST(CharBpe, UnknownCharactersAreMarkedFusedOrSpelledInBytes) {
  const auto tokens = table_of({"<unk>", "a", "b", "ab", "<0xC3>", "<0xA9>"});
  BpeSpec spec{.merges = {{1, 2, 3}}, .unk_token = "<unk>"};
  EXPECT_EQ(encode(CharBpeModel(spec, tokens), "abxyb"), (Ids{3, 0, 0, 2}));
  spec.fuse_unk = true;
  EXPECT_EQ(encode(CharBpeModel(spec, tokens), "abxyb"), (Ids{3, 0, 2}));
  spec.byte_fallback = true;
  EXPECT_EQ(encode(CharBpeModel(spec, tokens), "é가b"), (Ids{4, 5, 0, 2}));
  spec.unk_token = "?";
  EXPECT_THROW(CharBpeModel(spec, tokens), Failure);
  EXPECT_EQ(encode(CharBpeModel(BpeSpec{}, tokens), "axb"), (Ids{1, 2}));
}

TEST(CharBpe, PrefixesSuffixesAndWholePieces) {
  const auto tokens = table_of({"a", "##b", "##c</w>", "ab", "abc</w>", "abc"});
  BpeSpec spec{.merges = {{0, 1, 3}, {3, 2, 4}}};
  spec.continuing_subword_prefix = "##";
  spec.end_of_word_suffix = "</w>";
  EXPECT_EQ(encode(CharBpeModel(spec, tokens), "abc"), (Ids{4}));
  spec.ignore_merges = true;
  EXPECT_EQ(encode(CharBpeModel(spec, tokens), "abc"), (Ids{5}));
}

TEST(CharBpe, FrozenTokensAreFoundFirst) {
  const auto tokens = table_of({"a", "b", "ab", "abb"});
  const BpeSpec spec{.merges = {{0, 1, 2}}};
  EXPECT_EQ(encode(CharBpeModel(spec, tokens, {3}), "abbab"), (Ids{3, 2}));
  EXPECT_EQ(encode(CharBpeModel(spec, tokens, {2, 3}), "abbab"), (Ids{3, 2})) << "the longest";
}

// Two ways to the same token have one rank: the leftmost goes first, whichever pair it is.
TEST(SpelledMerges, EqualRanksGoFromLeftToRight) {
  BpeSpec spec;
  spell_merges({{0, "a", 9}, {1, "aa", 1}, {2, "aaa", 0}}, spec);
  ASSERT_EQ(spec.merges.size(), 3u);
  EXPECT_EQ(spec.ranks, (std::vector<uint32_t>{0, 0, 1}));
  EXPECT_EQ(encode(CharBpeModel(spec, table_of({"a", "aa", "aaa"})), "aaaaa"), (Ids{2, 1}));
}

// Merges by definition: the pair whose bytes have the lowest priority, leftmost first, again and again.
Ids merged_by_definition(std::vector<std::string> parts, const std::map<std::string, int>& priority,
                         const std::map<std::string, int32_t>& id) {
  for (;;) {
    int best = INT32_MAX;
    size_t at = 0;
    for (size_t i = 0; i + 1 < parts.size(); ++i)
      if (const auto it = priority.find(parts[i] + parts[i + 1]); it != priority.end() && it->second < best)
        best = it->second, at = i;
    if (best == INT32_MAX) break;
    parts[at] += parts[at + 1];
    parts.erase(parts.begin() + static_cast<ptrdiff_t>(at) + 1);
  }
  Ids ids;
  for (const std::string& part : parts) ids.push_back(id.at(part));
  return ids;
}

TEST(SpelledMerges, EqualTheDefinition) {
  Random random(4);
  for (int round = 0; round < 200; ++round) {
    std::map<std::string, int> priority;
    std::map<std::string, int32_t> id{{"a", 0}, {"b", 1}};
    while (id.size() < 20) {
      std::string token;
      for (size_t n = random.below(4) + 2; n > 0; --n) token += random.below(2) == 0 ? 'a' : 'b';
      if (!id.emplace(token, static_cast<int32_t>(id.size())).second) continue;
      priority[token] = static_cast<int>(random.below(6));  // ties
    }
    std::vector<MergeableToken> tokens;
    std::vector<std::string> names(id.size());
    for (const auto& [token, i] : id) {
      names[i] = token;
      tokens.push_back({i, token, token.size() == 1 ? 99.0 : priority[token]});
    }
    BpeSpec spec;
    spell_merges(tokens, spec);
    const CharBpeModel model(spec, table_of(names));
    std::vector<std::string> parts;
    std::string piece;
    for (size_t n = random.below(60) + 1; n > 0; --n) parts.push_back(random.below(3) == 0 ? "b" : "a");
    for (const std::string& part : parts) piece += part;
    ASSERT_EQ(encode(model, piece), merged_by_definition(parts, priority, id)) << piece;
  }
}

TEST(Unigram, TakesTheBestSumAndTheFirstOfEquals) {
  const auto tokens = table_of({"<unk>", "a", "b", "ab", "abc", "c"});
  const UnigramSpec spec{.scores = {0, -1, -1, -1.5, -9, -1}, .unk_id = 0};
  const UnigramModel model(spec, tokens);
  EXPECT_EQ(encode(model, "abc"), (Ids{3, 5}));
  EXPECT_EQ(encode(model, "xyab"), (Ids{0, 3}));
  EXPECT_EQ(encode(model, "가a\xFFz"), (Ids{0, 1, 0}));
  EXPECT_THROW(encode(UnigramModel({.scores = spec.scores}, tokens), "x"), Failure);
}

TEST(Unigram, UnknownCostsTenMoreThanTheWorstToken) {
  const UnigramSpec spec{.scores = {0, -4, -3, -4}, .unk_id = 0};
  EXPECT_EQ(encode(UnigramModel(spec, table_of({"<unk>", "a", "ab", "bc"})), "abc"), (Ids{1, 3}));
}

TEST(Unigram, OfEqualSumsTheOneWhoseLastTokenBeginsFirst) {
  const UnigramSpec spec{.scores = {0, -1, -1, -1, -1}, .unk_id = 0};
  EXPECT_EQ(encode(UnigramModel(spec, table_of({"<unk>", "a", "ab", "bc", "c"})), "abc"), (Ids{1, 3}));
}

TEST(Unigram, UserDefinedPiecesAreTakenWhateverTheyScore) {
  const auto tokens = table_of({"<unk>", "a", "b", "ab"});
  UnigramSpec spec{.scores = {0, -1, -1, -100}, .unk_id = 0, .sentencepiece = true};
  EXPECT_EQ(encode(UnigramModel(spec, tokens), "ab"), (Ids{1, 2}));
  spec.user_defined = {3};
  EXPECT_EQ(encode(UnigramModel(spec, tokens), "ab"), (Ids{3}));
}

// Floats near 100,000 are 1/128 apart: only sums that begin again can tell -3.001 from -3.
TEST(Unigram, LongTextsStayAsFineAsShortOnes) {
  const UnigramSpec spec{.scores = {0, -50, -1.5, -1.5, -3.001}, .unk_id = 0, .sentencepiece = true};
  const Ids ids = encode(UnigramModel(spec, table_of({"<unk>", "a", "b", "c", "bc"})), std::string(2001, 'a') + "bc");
  ASSERT_EQ(2003u, ids.size());
  EXPECT_EQ(2, ids[2001]);
}

TEST(Unigram, SpellsUnknownTextInBytesOrAsATokenAfterAll) {
  std::vector<std::string> names{"<unk>", "a", "xy"};
  for (const char* byte : {"<0x78>", "<0x79>", "<0x7A>"}) names.push_back(byte);
  UnigramSpec spec{.scores = {0, -1, -500, -20, -20, -20}, .unk_id = 0, .byte_fallback = true};
  const UnigramModel model(spec, table_of(names));
  EXPECT_EQ(encode(model, "axz"), (Ids{1, 3, 5}));
  EXPECT_EQ(encode(model, "aq"), (Ids{1, 0}));
  EXPECT_EQ(encode(model, "axy"), (Ids{1, 2}));
  const UnigramSpec cheap{.scores = {50, 50, 50}, .unk_id = 0};  // two unknown characters for 80
  EXPECT_EQ(encode(UnigramModel(cheap, table_of({"<unk>", "a", "xy"})), "axy"), (Ids{1, 2}));
}

TEST(WordPiece, LongestFirstOrUnknown) {
  const auto tokens = table_of({"[UNK]", "un", "##aff", "##able", "a", "##a"});
  WordPieceSpec spec;
  EXPECT_EQ(encode(WordPieceModel(spec, *tokens), "unaffable"), (Ids{1, 2, 3}));
  EXPECT_EQ(encode(WordPieceModel(spec, *tokens), "unaffablex"), (Ids{0}));
  spec.max_input_chars_per_word = 3;
  EXPECT_EQ(encode(WordPieceModel(spec, *tokens), "aaaa"), (Ids{0}));
  EXPECT_EQ(encode(WordPieceModel(spec, *tokens), "aaa"), (Ids{4, 5, 5}));
  spec.unk_token = "?";
  EXPECT_THROW(encode(WordPieceModel(spec, *tokens), "x"), Failure);
}

TEST(WordLevel, WholeWords) {
  const WordLevelModel model(WordLevelSpec{}, table_of({"<unk>", "a"}));
  EXPECT_EQ(encode(model, "a"), (Ids{1}));
  EXPECT_EQ(encode(model, "ab"), (Ids{0}));
}

// Megabytes of one character, for every kind of model and the steps around it.
TEST(SubwordModels, LongRunsAreQuick) {
  std::vector<std::string> names{"<unk>", "a", "가", "aa", "aaaa", "▁", "▁▁"};
  TokenizerSpec bpe, unigram, words;
  BpeSpec merges;
  spell_merges({{1, "a", 9}, {3, "aa", 1}, {4, "aaaa", 2}, {5, "▁", 9}, {6, "▁▁", 3}}, merges);
  merges.unk_token = "<unk>";
  bpe.model = merges;
  unigram.model = UnigramSpec{.scores = {0, -1, -1, -2, -3, -1, -1}, .unk_id = 0};
  words.model = WordPieceSpec{.unk_token = "<unk>", .max_input_chars_per_word = 1 << 30};
  bpe.normalizer.steps = {normalizers::SentencePiece{.remove_extra_whitespaces = false}};
  unigram.pre_tokenizer.steps = {pre_tokenizers::Metaspace{}};
  unigram.normalizer.steps = {normalizers::Unicode{normalizers::Form::kNfkc}};
  words.normalizer.steps = {normalizers::Bert{}};
  words.pre_tokenizer.steps = {pre_tokenizers::Bert{}};
  for (TokenizerSpec spec : {bpe, unigram, words}) {
    for (size_t i = 0; i < names.size(); ++i) spec.vocabulary.emplace_back(static_cast<int32_t>(i), names[i]);
    const Tokenizer tokenizer = Tokenizer::create(spec, "t").value();
    for (const char* character : {"a", "가", " ", "\u0301", "\xFF", "."}) {
      const size_t bytes = kSanitized ? 200'000 : character[0] == 'a' ? 10'000'000 : 1'000'000;
      std::string text;
      while (text.size() < bytes) text += character;
      const std::clock_t start = std::clock();
      const size_t count = tokenizer.encode(text).size();
      EXPECT_TRUE(count > 0 || character[0] != 'a');
      EXPECT_LT(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC, 10.0) << character;
    }
  }
}

}  // namespace
}  // namespace maru::text
