#include "base/utf8.h"
#include "text/tokenizer/token_decoder.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "text/tokenizer/stream_decoder.h"

namespace maru::text {
namespace {

using Steps = std::vector<DecoderStep>;

std::string decoded(const Steps& steps, const std::vector<std::string>& tokens) {
  std::string text;
  DecoderRun run = TokenDecoder::create(steps, "t").value().start();
  for (const std::string& token : tokens) run.push(token, text);
  run.finish(text);
  return text;
}

Steps llama2() {
  return {decoders::Replace{{"▁", false}, " "}, decoders::ByteFallback{}, decoders::Fuse{}, decoders::Strip{' ', 1, 0}};
}

TEST(TokenDecoder, LlamaPiecesLoseTheFirstSpace) {
  EXPECT_EQ(decoded(llama2(), {"▁Hey", "▁you", "▁"}), "Hey you ");
  EXPECT_EQ(decoded(llama2(), {"▁▁a"}), " a");
  EXPECT_EQ(decoded(llama2(), {"<0xEA>", "<0xB0>", "<0x80>", "!"}), "가!");
  EXPECT_EQ(decoded(llama2(), {"<0xEA>", "<0xB0>", "x"}), "\uFFFD\uFFFDx");
  EXPECT_EQ(decoded(llama2(), {"a", "<0xF0>"}), "a\uFFFD");
  EXPECT_EQ(decoded(llama2(), {"<0xZZ>", "<0x4>"}), "<0xZZ><0x4>");
}

TEST(TokenDecoder, MetaspaceDropsOnlyInTheFirstToken) {
  EXPECT_EQ(decoded({decoders::Metaspace{}}, {"▁▁a", "▁b"}), "a b");
  EXPECT_EQ(decoded({decoders::Metaspace{.prepend_scheme = pre_tokenizers::PrependScheme::kNever}}, {"▁a"}), " a");
}

TEST(TokenDecoder, WordPieceJoinsAndCleansUp) {
  EXPECT_EQ(decoded({decoders::WordPiece{}}, {"un", "##able", "to", ",", "do", "n't"}), "unable to, don't");
  EXPECT_EQ(decoded({decoders::WordPiece{"##", false}}, {"##a", ",", "##b"}), "##a ,b");
}

TEST(TokenDecoder, BpeSuffixEndsWordsButTheLast) {
  EXPECT_EQ(decoded({decoders::Bpe{}}, {"a", "b</w>", "c</w>"}), "ab c");
  EXPECT_EQ(decoded({}, {"a", "b"}), "a b");
  EXPECT_EQ(decoded({decoders::ByteLevel{}}, {"Ġ[PA D]", "ê°Ģ"}), "Ġ[PA D]가");
}

// One step before and one behind Fuse, for texts that end in what might go on.
TEST(TokenDecoder, StepsBehindFuseSeeTheWholeText) {
  const Steps strip{decoders::Fuse{}, decoders::Strip{'_', 2, 2}};
  EXPECT_EQ(decoded(strip, {"_", "__a_", "_", "b_", "__", "_"}), "_a__b__");
  EXPECT_EQ(decoded(strip, {"_", "_", "_"}), "");
  const Steps replace{decoders::Fuse{}, decoders::Replace{{"</w>", false}, " "}};
  EXPECT_EQ(decoded(replace, {"a<", "/w", ">b</", "w"}), "a b</w");
  const Steps regex{decoders::Fuse{}, decoders::Replace{{"a+", true}, "b"}};
  EXPECT_EQ(decoded(regex, {"a", "a", "c"}), "bc");
}

Tokenizer streamed_tokenizer(const Steps& steps, const std::vector<std::string>& tokens) {
  TokenizerSpec spec;
  spec.model = WordLevelSpec{};
  spec.decoder.steps = steps;
  for (const std::string& token : tokens)
    spec.vocabulary.emplace_back(static_cast<int32_t>(spec.vocabulary.size()), token);
  spec.added_tokens.push_back({.id = 0, .content = tokens[0]});
  return Tokenizer::create(spec, "t").value();
}

const std::vector<std::string> kTokens{"<s>",    "▁",      "▁a", "_",    "__",     "a_",     "##a",
                                       "</w>",   "b</w>",  ".",  "'",    "<0xEA>", "<0xB0>", "<0x80>",
                                       "<0xF0>", "<0x9F>", "가", " n't", "<",      "/w>"};
const std::vector<Steps> kKinds{llama2(),
                                {},
                                {decoders::Metaspace{}},
                                {decoders::WordPiece{}},
                                {decoders::Bpe{}},
                                {decoders::ByteFallback{}, decoders::Bpe{}},
                                {decoders::Fuse{}, decoders::Strip{'_', 1, 2}, decoders::Replace{{"</w>", false}, " "}},
                                {decoders::ByteLevel{}, decoders::Replace{{"a", true}, "b"}},
                                {decoders::Fuse{}, decoders::WordPiece{}}};

TEST(StreamDecoder, GivesTheSameTextAsDecodeAndNoBrokenCharacter) {
  Random random(3);
  for (const Steps& steps : kKinds) {
    const Tokenizer tokenizer = streamed_tokenizer(steps, kTokens);
    for (int round = 0; round < 200; ++round) {
      std::vector<int32_t> ids(random.below(12));
      for (int32_t& id : ids) id = static_cast<int32_t>(random.below(kTokens.size()));
      for (const bool skip : {false, true}) {
        StreamDecoder decoder(tokenizer, skip);
        std::string text;
        for (const int32_t id : ids) {
          const std::string part = decoder.push(id);
          ASSERT_TRUE(is_valid_utf8(part));
          text += part;
        }
        ASSERT_EQ(text + decoder.flush(), tokenizer.decode(ids, skip));
      }
    }
  }
}

std::string streamed(const Tokenizer& tokenizer, std::span<const int32_t> before, std::span<const int32_t> ids,
                     bool skip) {
  StreamDecoder decoder(tokenizer, skip, before);
  std::string text;
  for (const int32_t id : ids) text += decoder.push(id);
  return text + decoder.flush();
}

// A prompt and its answer are one text wherever the border is.
TEST(StreamDecoder, GoesOnWhereOtherTokensEnded) {
  Random random(5);
  int compared = 0;
  for (const Steps& steps : kKinds) {
    const Tokenizer tokenizer = streamed_tokenizer(steps, kTokens);
    for (int round = 0; round < 400; ++round) {
      std::vector<int32_t> ids(1 + random.below(12));
      for (int32_t& id : ids) id = static_cast<int32_t>(random.below(kTokens.size()));
      const auto all = std::span<const int32_t>(ids);
      const size_t border = random.below(ids.size() + 1);
      for (const bool skip : {false, true}) {
        const std::string text = streamed(tokenizer, all.first(border), all.subspan(border), skip);
        ASSERT_TRUE(is_valid_utf8(text));
        const std::string before = tokenizer.decode(all.first(border), skip), whole = tokenizer.decode(all, skip);
        if (before.ends_with("\uFFFD") || !whole.starts_with(before)) continue;  // the border cuts a character or match
        ASSERT_EQ(before + text, whole) << testing::PrintToString(ids) << " at " << border;
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 4000);
}

TEST(StreamDecoder, TheSpaceOfTheFirstWordIsKeptBehindAPrompt) {
  const Tokenizer llama = streamed_tokenizer(llama2(), {"<s>", "▁Once", "▁upon", "<0xEA>", "<0xB0>", "<0x80>"});
  using Ids = std::vector<int32_t>;
  const auto text = [&](const Ids& before, const Ids& ids) { return streamed(llama, before, ids, true); };
  EXPECT_EQ(text({}, {2}), "upon") << "a text of its own";
  EXPECT_EQ(text({0}, {2}), "upon") << "behind a mark that has no text";
  EXPECT_EQ(text({1}, {2}), " upon");
  EXPECT_EQ(text({0, 1}, {2, 2}), " upon upon");
  EXPECT_EQ(text({1, 0}, {2}), " upon");
  Ids marks(1000, 0);
  marks.front() = 1;
  EXPECT_EQ(text(marks, {2}), " upon") << "marks without text do not push the words out of sight";
  EXPECT_EQ(text({1, 3}, {2}), "\uFFFD upon") << "a character that nobody finishes";
  EXPECT_EQ(text({1, 3}, {4, 5}), "가") << "a character that the border cuts is given whole";
  EXPECT_EQ(text({3, 4}, {5, 2}), "가 upon");
  EXPECT_EQ(text(Ids(1000, 1), {2}), " upon");
  const Tokenizer words = streamed_tokenizer({decoders::WordPiece{}}, {"[CLS]", "a", "##b", "c"});
  EXPECT_EQ(streamed(words, Ids{1}, Ids{2, 3}, true), "b c");
  const Tokenizer metaspace = streamed_tokenizer({decoders::Metaspace{}}, {"<s>", "▁a"});
  EXPECT_EQ(streamed(metaspace, Ids{1}, Ids{1}, true), " a");
}

TEST(StreamDecoder, HoldsBackNoMoreThanItMust) {
  const Tokenizer tokenizer = streamed_tokenizer(llama2(), {"<s>", "▁a", "<0xEA>", "<0xB0>", "<0x80>"});
  StreamDecoder decoder(tokenizer);
  EXPECT_EQ(decoder.push(1), "a");
  EXPECT_EQ(decoder.push(2), "");
  EXPECT_EQ(decoder.push(3), "");
  EXPECT_EQ(decoder.push(4), "가");
  EXPECT_EQ(decoder.push(1), " a");
  EXPECT_EQ(decoder.flush(), "");
  EXPECT_EQ(decoder.push(1), "a");  // a new text
}

TEST(TokenDecoder, BytesOfATokenInsideAText) {
  const Tokenizer llama = streamed_tokenizer(llama2(), {"<s>", "▁a", "<0xEA>", "b"});
  EXPECT_EQ(llama.bytes_of(0), "<s>");
  EXPECT_EQ(llama.bytes_of(1), " a");
  EXPECT_EQ(llama.bytes_of(2), "\xEA");
  EXPECT_EQ(llama.bytes_of(3), "b");
  const Tokenizer bert = streamed_tokenizer({decoders::WordPiece{}}, {"[UNK]", "a", "##b", "."});
  EXPECT_EQ(bert.bytes_of(1), " a");
  EXPECT_EQ(bert.bytes_of(2), "b");
  EXPECT_EQ(bert.bytes_of(3), ".");
  EXPECT_EQ(streamed_tokenizer({decoders::Bpe{}}, {"<s>", "a</w>"}).bytes_of(1), "a ");
}

}  // namespace
}  // namespace maru::text
