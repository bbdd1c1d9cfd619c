#include "infer/grammar_processor.h"

#include <gtest/gtest.h>

#include <regex>

#include "base/json.h"
#include "infer/engine.h"
#include "infer/fake_model.h"
#include "text/grammar/compile.h"

namespace maru::infer {
namespace {

constexpr int32_t kEnd = 3, kBytes = 5;  // of byte_tokenizer

class GrammarProcessorTest : public testing::Test {
 protected:
  text::Tokenizer tokenizer_ = byte_tokenizer();
  text::TokenTrie trie_{tokenizer_, 261};

  static std::string allowed(GrammarProcessor& processor) {
    std::vector<float> logits(261, 1.0f);
    processor.process(logits);
    std::string found;
    for (int32_t id = 0; id < 261; ++id)
      if (logits[static_cast<size_t>(id)] == 1) found += id < kBytes ? '$' : static_cast<char>(id - kBytes);
    return found;
  }
  static void say(GrammarProcessor& processor, std::string_view text) {
    for (const char c : text) processor.accept(kBytes + static_cast<unsigned char>(c));
  }
};

TEST_F(GrammarProcessorTest, LetsThroughWhatTheGrammarTakes) {
  GrammarProcessor processor({.grammar = text::compile_regex("a[bc]+", "regex")}, trie_, {kEnd});
  EXPECT_EQ("a", allowed(processor));
  EXPECT_EQ("a", processor.forced());
  say(processor, "a");
  EXPECT_EQ("bc", allowed(processor));
  say(processor, "b");
  EXPECT_EQ("$bc", allowed(processor)) << "the end, and more";
  EXPECT_FALSE(processor.is_over());
  processor.accept(kEnd);
  EXPECT_TRUE(processor.is_over());
}

TEST_F(GrammarProcessorTest, ReasoningThatThePromptBeganIsFree) {
  GrammarProcessor processor({.grammar = text::compile_regex("a+", "regex"),
                              .reasoning_begin = "<think>",
                              .reasoning_end = "</think>",
                              .in_reasoning = true},
                             trie_, {kEnd});
  EXPECT_EQ(261u, allowed(processor).size());
  EXPECT_EQ("", processor.forced());
  say(processor, "so </thin, so </think");
  EXPECT_EQ(261u, allowed(processor).size());
  say(processor, ">");
  EXPECT_EQ("a", allowed(processor));
}

TEST_F(GrammarProcessorTest, ReasoningThatTheModelMayBeginIsOneTokenMore) {
  GrammarProcessor processor(
      {.grammar = text::compile_regex("a+", "regex"), .reasoning_begin = "!", .reasoning_end = "?"}, trie_, {kEnd});
  EXPECT_EQ("!a", allowed(processor));
  GrammarProcessor without = processor;
  say(without, "a");
  EXPECT_EQ("$a", allowed(without)) << "not behind the beginning any more";
  say(processor, "!");
  EXPECT_EQ(261u, allowed(processor).size());
  say(processor, "b?");
  EXPECT_EQ("a", allowed(processor));
}

TEST_F(GrammarProcessorTest, SaysWhenNoTokenCanGoOn) {
  const text::TokenTrie letters({{0, "a"}, {1, "b"}}, {});
  GrammarProcessor processor({.grammar = text::compile_regex("ac", "regex")}, letters, {});
  std::vector<float> logits(2, 1.0f);
  processor.process(logits);
  processor.accept(0);
  logits.assign(2, 1.0f);
  EXPECT_THROW(processor.process(logits), Failure);
}

class ConstrainedEngine : public testing::Test {
 protected:
  text::Tokenizer tokenizer_ = byte_tokenizer();
  FakeModel model_;
  GenerationRequest request(std::shared_ptr<const text::Grammar> grammar, uint64_t seed) {
    GenerationRequest r;
    r.prompt = tokenizer_.encode("say it");
    r.max_tokens = 300;
    r.seed = seed;
    r.constraint = AnswerConstraint{.grammar = std::move(grammar)};
    return r;
  }
  struct Said {
    std::string text;
    std::optional<FinishReason> finish;
    int64_t num_tokens = 0;
  };
  Said say(Engine& engine, GenerationRequest r) {
    const auto generation = engine.submit(std::move(r));
    Said said;
    Piece piece;
    auto next = generation->wait_next(piece);
    for (; next == Generation::Next::kPiece; next = generation->wait_next(piece)) {
      said.text += piece.text;
      if (piece.finish) said.finish = piece.finish, said.num_tokens = piece.num_tokens;
    }
    if (next == Generation::Next::kFailed) throw Failure(generation->error());
    return said;
  }
};

TEST_F(ConstrainedEngine, AnswersHaveTheForm) {
  Engine engine(model_, tokenizer_, {.end_tokens = {1, kEnd}});
  const auto grammar = text::compile_regex("(ab|ba){2,5}c", "regex");
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Said said = say(engine, request(grammar, seed));
    EXPECT_TRUE(std::regex_match(said.text, std::regex("(ab|ba){2,5}c"))) << said.text;
    EXPECT_EQ(FinishReason::kStop, said.finish) << "it ends as soon as nothing may follow";
  }
}

TEST_F(ConstrainedEngine, ForcedTextTakesOneStep) {
  const Json schema{{"type", "object"},
                    {"properties", {{"a_long_name", {{"enum", {"one long value", "another long value"}}}}}},
                    {"required", {"a_long_name"}},
                    {"additionalProperties", false}};
  const auto grammar = text::compile_json_schema(JsonNode(schema, "schema"), {.compact = true});
  Engine engine(model_, tokenizer_, {.end_tokens = {1, kEnd}});
  for (uint64_t seed = 0; seed < 5; ++seed) {
    model_.steps = 0;
    const Said said = say(engine, request(grammar, seed));
    const Result<Json> json = parse_json(said.text, "");
    ASSERT_TRUE(json.ok()) << said.text;
    EXPECT_TRUE(json.value()["a_long_name"].get<std::string>().ends_with("long value"));
    EXPECT_LT(3 * model_.steps, said.num_tokens);
  }
}

TEST_F(ConstrainedEngine, AFormThatTheTokensCannotSpellFailsItsRequestAlone) {
  Engine engine(model_, tokenizer_, {.end_tokens = {1, kEnd}});
  GenerationRequest free = request(nullptr, 1);
  free.constraint.reset();
  free.max_tokens = 5;
  EXPECT_EQ(5, say(engine, free).num_tokens);
  GenerationRequest biased = request(text::compile_regex("ab", "regex"), 1);
  biased.sampling.logit_bias = {{kBytes + 'a', -1000}};
  EXPECT_EQ("ab", say(engine, biased).text) << "what is forced is said, however unlikely";
}

}  // namespace
}  // namespace maru::infer
