// Splits, added tokens with their wishes, what stands around texts and pairs, and a file of every step there and back.
#include <gtest/gtest.h>

#include "text/tokenizer/files/tokenizer_json.h"
#include "text/tokenizer/pre_tokenizer.h"
#include "text/tokenizer/train/testing.h"

namespace maru::text {
namespace {

using Pieces = std::vector<std::string>;
using pre_tokenizers::Behavior;

Pieces split(const std::vector<PreTokenizerStep>& steps, std::string_view text, bool at_start = true) {
  const PreTokenizer pre_tokenizer = PreTokenizer::create(steps, false, "t").value();
  Pieces pieces;
  PreTokenizerScratch scratch;
  pre_tokenizer.split({text, at_start}, scratch, [&](std::string_view piece) { pieces.emplace_back(piece); });
  return pieces;
}

// The example of the reference's own documentation.
TEST(PreTokenizer, BehavioursOfASplit) {
  const auto at = [](Behavior behavior) {
    return split({pre_tokenizers::Split{{"-", false}, behavior, false}}, "the-final--countdown");
  };
  EXPECT_EQ(at(Behavior::kRemoved), (Pieces{"the", "final", "countdown"}));
  EXPECT_EQ(at(Behavior::kIsolated), (Pieces{"the", "-", "final", "-", "-", "countdown"}));
  EXPECT_EQ(at(Behavior::kMergedWithPrevious), (Pieces{"the-", "final-", "-", "countdown"}));
  EXPECT_EQ(at(Behavior::kMergedWithNext), (Pieces{"the", "-final", "-", "-countdown"}));
  EXPECT_EQ(at(Behavior::kContiguous), (Pieces{"the", "-", "final", "--", "countdown"}));
  EXPECT_EQ(split({pre_tokenizers::Split{{"[a-z]+", true}, Behavior::kRemoved, true}}, "ab1cd"), (Pieces{"ab", "cd"}));
  EXPECT_EQ(split({pre_tokenizers::Split{{"(?=b)", true}, Behavior::kIsolated, false}}, "abab"),
            (Pieces{"a", "ba", "b"}));
}

TEST(PreTokenizer, WordsAndCharacters) {
  EXPECT_EQ(split({pre_tokenizers::Whitespace{}}, "Hey man!? ok\xFF"), (Pieces{"Hey", "man", "!?", "ok", "\xFF"}));
  EXPECT_EQ(split({pre_tokenizers::WhitespaceSplit{}}, " a\u3000b! "), (Pieces{"a", "b!"}));
  EXPECT_EQ(split({pre_tokenizers::Bert{}}, "a b!!c"), (Pieces{"a", "b", "!", "!", "c"}));
  EXPECT_EQ(split({pre_tokenizers::Punctuation{Behavior::kContiguous}}, "a!!。b"), (Pieces{"a", "!!。", "b"}));
  EXPECT_EQ(split({pre_tokenizers::Digits{true}}, "a12"), (Pieces{"a", "1", "2"}));
  EXPECT_EQ(split({pre_tokenizers::Digits{false}}, "a12"), (Pieces{"a", "12"}));
  EXPECT_EQ(split({pre_tokenizers::CharDelimiter{U'가'}}, "a가가b"), (Pieces{"a", "b"}));
  EXPECT_EQ(split({pre_tokenizers::UnicodeScripts{}}, "  どこで生れ。Yes no"), (Pieces{"どこで生れ", "。", "Yes no"}));
  EXPECT_EQ(split({pre_tokenizers::FixedLength{2}}, "a가b"), (Pieces{"a가", "b"}));
}

TEST(PreTokenizer, MetaspaceAndBytes) {
  using pre_tokenizers::Metaspace;
  using pre_tokenizers::PrependScheme;
  EXPECT_EQ(split({Metaspace{}}, "a  b"), (Pieces{"▁a", "▁", "▁b"}));
  EXPECT_EQ(split({Metaspace{}}, " a"), (Pieces{"▁a"}));
  EXPECT_EQ(split({Metaspace{U'▁', PrependScheme::kFirst, false}}, "a b", false), (Pieces{"a▁b"}));
  EXPECT_EQ(split({Metaspace{U'_', PrependScheme::kFirst, false}}, "a b", true), (Pieces{"_a_b"}));
  EXPECT_EQ(split({Metaspace{U'▁', PrependScheme::kNever, true}}, "a b"), (Pieces{"a", "▁b"}));
  EXPECT_EQ(split({pre_tokenizers::WhitespaceSplit{}, Metaspace{U'▁', PrependScheme::kFirst, true}}, "a b"),
            (Pieces{"▁a", "b"}));
  EXPECT_EQ(split({pre_tokenizers::ByteLevel{true, true, true}}, "é b"), (Pieces{"ĠÃ©", "Ġb"}));
}

TokenizerSpec words_spec(std::vector<AddedToken> added) {
  TokenizerSpec spec;
  spec.model = WordLevelSpec{};
  for (const char* token : {"<unk>", "a", "b", " ", "▁a"})
    spec.vocabulary.emplace_back(static_cast<int32_t>(spec.vocabulary.size()), token);
  for (AddedToken& token : added) token.id = static_cast<int32_t>(5 + (&token - added.data()));
  spec.added_tokens = std::move(added);
  return spec;
}

std::vector<int32_t> ids_of(const TokenizerSpec& spec, std::string_view text) {
  return Tokenizer::create(spec, "t").value().encode(text);
}

TEST(AddedTokens, TakeSpacesOrStandAlone) {
  using Ids = std::vector<int32_t>;
  const TokenizerSpec spec = words_spec({{.content = "<m>", .lstrip = true, .rstrip = true},
                                         {.content = "tok", .special = false, .single_word = true},
                                         {.content = "<n>", .lstrip = true}});
  EXPECT_EQ(ids_of(spec, "a \u3000<m> \n b"), (Ids{1, 5, 2}));
  EXPECT_EQ(ids_of(spec, "<m>  <n>a"), (Ids{5, 7, 1}));
  EXPECT_EQ(ids_of(spec, "tok"), (Ids{6}));
  EXPECT_EQ(ids_of(spec, "tokk"), (Ids{0}));
  EXPECT_EQ(ids_of(spec, "가tok"), (Ids{0}));
  EXPECT_EQ(ids_of(spec, "a<m>tok"), (Ids{1, 5, 6}));
}

TEST(AddedTokens, AreFoundInTheNormalisedTextInTheirNormalisedForm) {
  TokenizerSpec spec = words_spec({{.content = "TOK", .special = false, .normalized = true}});
  spec.normalizer.steps = {normalizers::Lowercase{}};
  EXPECT_EQ(ids_of(spec, "ToKA"), (std::vector<int32_t>{5, 1}));
}

// Where the text begins is known through cuts and normalisers.
TEST(Tokenizer, MetaspaceFirstLooksForTheBeginningOfTheText) {
  TokenizerSpec spec = words_spec({{.content = "<m>"}});
  spec.pre_tokenizer.steps = {pre_tokenizers::Metaspace{U'▁', pre_tokenizers::PrependScheme::kFirst, true}};
  EXPECT_EQ(ids_of(spec, "a<m>a"), (std::vector<int32_t>{4, 5, 1}));
  spec.normalizer.steps = {normalizers::Strip{}};
  EXPECT_EQ(ids_of(spec, " a"), (std::vector<int32_t>{1}));
  EXPECT_EQ(ids_of(spec, "a "), (std::vector<int32_t>{4}));
}

TEST(PostProcessor, SinglesAndPairs) {
  TokenizerSpec spec = words_spec({{.content = "<s>"}, {.content = "</s>"}});
  const auto pair_of = [&](bool add) {
    const Encoding e = Tokenizer::create(spec, "t").value().encode_pair("a", "b", {.add_special_tokens = add});
    return std::pair(e.ids, e.type_ids);
  };
  using Ids = std::vector<int32_t>;
  using Types = std::vector<uint32_t>;
  EXPECT_EQ(pair_of(true), std::pair(Ids({1, 2}), Types({0, 1})));
  spec.post_processor.steps = {post_processors::Bert{{"</s>", 6}, {"<s>", 5}}};
  EXPECT_EQ(pair_of(true), std::pair(Ids({5, 1, 6, 2, 6}), Types({0, 0, 0, 1, 1})));
  EXPECT_EQ(pair_of(false), std::pair(Ids({1, 2}), Types({0, 1})));
  spec.post_processor.steps = {post_processors::Roberta{{"</s>", 6}, {"<s>", 5}}};
  EXPECT_EQ(pair_of(true), std::pair(Ids({5, 1, 6, 6, 2, 6}), Types({0, 0, 0, 0, 0, 0})));
  spec.post_processor.steps = {around({{"<s>", {5}, {"<s>"}}}, {})};
  EXPECT_EQ(pair_of(true), std::pair(Ids({5, 1, 5, 2}), Types({0, 0, 1, 1})));
  EXPECT_EQ(Tokenizer::create(spec, "t").value().encode("a", {.add_special_tokens = true}), Ids({5, 1}));
}

TEST(TokenizerJson, EveryStepThereAndBack) {
  TokenizerSpec spec =
      words_spec({{.content = "<m>", .normalized = true, .single_word = true, .lstrip = true, .rstrip = true}});
  namespace n = normalizers;
  namespace p = pre_tokenizers;
  namespace d = decoders;
  spec.normalizer = {{n::Unicode{n::Form::kNfkd}, n::Lowercase{}, n::Strip{true, false}, n::StripAccents{}, n::Nmt{},
                      n::ByteLevel{}, n::Prepend{"x"}, n::Replace{{"a+", true}, "b"}, n::Bert{.strip_accents = false}},
                     true};
  spec.pre_tokenizer = {{p::ByteLevel{true, false, false}, p::Split{{"a", false}, Behavior::kContiguous, true},
                         p::Metaspace{U'_', p::PrependScheme::kFirst, false}, p::Whitespace{}, p::WhitespaceSplit{},
                         p::Bert{}, p::Punctuation{Behavior::kRemoved}, p::Digits{true}, p::CharDelimiter{U'가'},
                         p::UnicodeScripts{}, p::FixedLength{3}},
                        true};
  spec.post_processor = {{post_processors::ByteLevel{false, true, false}, around({{"<m>", {5}, {"<m>"}}}, {})}, true};
  spec.decoder = {{d::ByteLevel{}, d::Metaspace{}, d::ByteFallback{}, d::Fuse{}, d::Replace{{"a", false}, "b"},
                   d::Strip{U'가', 1, 2}, d::WordPiece{"@@", false}, d::Bpe{"$"}},
                  true};
  spec.truncation = Truncation{100, 3, "OnlyFirst", "Left"};
  spec.padding = Padding{7, "Left", "<m>", 8, 5, 1};
  const std::string file = write_tokenizer_json(spec);
  const Result<TokenizerSpec> again = parse_tokenizer_json(file, "again");
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(write_tokenizer_json(again.value()), file);
  EXPECT_EQ(again.value().truncation->stride, 3u);
  EXPECT_EQ(again.value().padding->fixed_length, 7u);
  EXPECT_TRUE(again.value().added_tokens[0].rstrip);
}

TEST(TokenizerJson, EveryModelThereAndBack) {
  const BpeSpec bpe{.merges = {},
                    .unk_token = "<unk>",
                    .continuing_subword_prefix = "#",
                    .end_of_word_suffix = "$",
                    .fuse_unk = true,
                    .byte_fallback = true};
  const UnigramSpec unigram{.scores = {0, -1.25, -2, 1e-17, -0.1}, .unk_id = 0, .byte_fallback = true};
  for (const ModelSpec& model :
       {ModelSpec(bpe), ModelSpec(unigram), ModelSpec(WordPieceSpec{"a", "@", 7}), ModelSpec(WordLevelSpec{"b"})}) {
    TokenizerSpec spec = words_spec({});
    spec.model = model;
    const std::string file = write_tokenizer_json(spec);
    const TokenizerSpec again = parse_tokenizer_json(file, "again").value();
    EXPECT_EQ(again.model.index(), model.index());
    EXPECT_EQ(write_tokenizer_json(again), file);
  }
}

TEST(Tokenizer, SpecsThatDoNotFitAreRefused) {
  const auto refused = [](const TokenizerSpec& spec) { return !Tokenizer::create(spec, "t").ok(); };
  TokenizerSpec spec = words_spec({});
  EXPECT_FALSE(refused(spec));
  spec.vocabulary.emplace_back(1, "again");
  EXPECT_TRUE(refused(spec));
  spec.vocabulary.back() = {2'000'000'000, "far"};
  EXPECT_TRUE(refused(spec));
  spec = words_spec({});
  spec.model = BpeSpec{.merges = {{0, 99, 1}}};
  EXPECT_TRUE(refused(spec));
  spec.model = BpeSpec{.merges = {{0, 1, 2}, {1, 1, 2}}, .ranks = {1, 0}};
  EXPECT_TRUE(refused(spec));
  spec.model = UnigramSpec{.scores = {1}};
  EXPECT_TRUE(refused(spec));
  spec.model = WordLevelSpec{};
  spec.byte_level = true;
  EXPECT_TRUE(refused(spec));
}

}  // namespace
}  // namespace maru::text
