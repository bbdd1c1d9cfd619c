// Texts that are to be close to each other, or not: their lines, what is wrong with them, and what is packed of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <set>

#include "data/pack.h"
#include "data/test_byte_tokenizer.h"
#include "formats/token_dataset.h"
#include "ledger/verify.h"

namespace maru::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class TextsPackTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(root_ / "tokenizer");
    write_file(root_ / "tokenizer/tokenizer.json", byte_tokenizer());
    options_ = {root_ / "tokenizer", root_ / "d/tokens-t", root_};
  }
  void TearDown() override { fs::remove_all(root_); }

  PackResult pack(const std::string& text, double held_out = 0, std::optional<double> highest = {}) {
    write_file(root_ / "texts.jsonl", text);
    return pack_texts({.inputs = {(root_ / "texts.jsonl").string()}, .held_out = held_out, .highest_score = highest},
                      options_, pool_);
  }
  std::string error_of(const std::string& text, std::optional<double> highest = {}) {
    try {
      pack(text, 0, highest);
      return "none";
    } catch (const Failure& e) {
      return e.what();
    }
  }
  // "text:value" of each document.
  std::vector<std::string> packed(const char* split = "train") const {
    const formats::TokenDataset dataset(options_.output, split);
    std::vector<std::string> all;
    for (int64_t d = 0; d < dataset.num_documents(); ++d) {
      const formats::TokenDocument document = dataset.document(d);
      std::string text;
      for (int64_t i = 0; i < document.tokens.size(); ++i) text += static_cast<char>(document.tokens[i] - 4);
      EXPECT_EQ(text.size(), document.source_bytes);
      std::string value = std::to_string(document.value);
      value.resize(4);
      all.push_back(text + ":" + value);
    }
    return all;
  }
  const fs::path root_ = fs::temp_directory_path() / ("maru_texts_pack_" + std::to_string(::getpid()));
  PackOptions options_;
  ThreadPool pool_{2};
};

TEST_F(TextsPackTest, AQueryStandsBeforeItsDocuments) {
  pack(
      "{\"query\": \"q\", \"pos_doc\": \"p\", \"neg_doc\": [\"n\", \"m\"]}\n\n"
      "{\"anchor\": \"a\", \"positive\": \"<|im_end|>\", \"negative\": \"n\"}\n"
      "{\"query\": \"two\", \"positives\": [\"x\", \"y\"], \"negatives\": [\"z\"]}\n"
      "{\"question\": \"k\", \"pos\": [\"l\"], \"neg\": null, \"negative_ids\": [1]}\n"
      "{\"query\": \"s\", \"answer\": \"t\", \"negative_1\": \"u\", \"negative_2\": \"v\"}\n");
  EXPECT_THAT(packed(), ElementsAre("q:0.00", "p:1.00", "n:2.00", "m:2.00", "a:0.00", "<|im_end|>:1.00", "n:2.00",
                                    "two:0.00", "x:1.00", "z:2.00", "two:0.00", "y:1.00", "z:2.00", "k:0.00", "l:1.00",
                                    "s:0.00", "t:1.00", "u:2.00", "v:2.00"));
  const Json notes = ledger::read_manifest(options_.output).notes;
  EXPECT_EQ(19, notes["texts"].get<int64_t>());
  EXPECT_FALSE(notes["scored"].get<bool>());
  EXPECT_EQ(Json::parse(R"({"pieces": [[], []], "piece_types": [[], []], "types": [0]})"), notes["frame"])
      << "this tokenizer adds nothing";
  EXPECT_EQ(Json::parse(R"({"pieces": [[], [], []], "piece_types": [[], [], []], "types": [0, 1]})"),
            notes["pair_frame"]);
  EXPECT_TRUE(ledger::verify(options_.output).ok());
  EXPECT_TRUE(pack(read_file(root_ / "texts.jsonl")).skipped);
}

TEST_F(TextsPackTest, ScoresAreDividedByTheHighest) {
  const std::string lines =
      "{\"sentence1\": \"a\", \"sentence2\": \"b\", \"score\": 5}\n"
      "{\"sentence1\": \"c\", \"sentence2\": \"d\", \"label\": 0.5}\n";
  pack(lines, 0, 5);
  EXPECT_THAT(packed(), ElementsAre("a:1.00", "b:1.00", "c:0.10", "d:0.10"));
  EXPECT_TRUE(ledger::read_manifest(options_.output).notes["scored"].get<bool>());
  EXPECT_THAT(error_of(lines), HasSubstr("texts.jsonl:1: score: 5 is outside 0 to 1: say what the highest score is"));
  EXPECT_THAT(error_of(lines, 4), HasSubstr("is outside 0 to 4"));
  EXPECT_THAT(error_of("{\"sentence1\": \"a\", \"sentence2\": \"b\", \"score\": -0.1}"),
              HasSubstr("is outside 0 to 1"));
  EXPECT_THAT(error_of("{\"query\": \"a\", \"pos_doc\": \"b\"}", 5), HasSubstr("without a score"));
}

TEST_F(TextsPackTest, RefusesByFileLineAndField) {
  const std::pair<const char*, const char*> kCases[] = {
      {R"({"pos_doc": "p"})", "texts.jsonl:1: query: is missing, expected a text in \"query\" or \"anchor\""},
      {R"({"query": "q"})", "texts.jsonl:1: pos_doc: is missing, expected a text, or a list of them"},
      {R"({"query": " ", "pos_doc": "p"})", "texts.jsonl:1: query: is empty: expected a text"},
      {R"({"query": "q", "pos_doc": ""})", "pos_doc: is empty"},
      {R"({"query": "q", "pos_doc": []})", "pos_doc: expected one text at least"},
      {R"({"query": "q", "pos_doc": [{"id": "d1"}]})", "pos_doc[0]: expected a string"},
      {R"({"query": "q", "pos_doc": "p", "neg_doc": ["n", "\t"]})", "neg_doc[1]: is empty"},
      {R"({"query": "q", "pos_doc": "p", "neg_doc": ["n", "p"]})", "neg_doc[1]: is the same as pos_doc"},
      {R"({"query": "q", "pos_doc": "p", "positive": "x"})", "positive: says what texts.jsonl:1: pos_doc says already"},
      {R"({"query": ["q"], "pos_doc": "p"})", "query: expected a string"},
      {R"({"query": "q", "pos_doc": "p", "query": "r"})", "texts.jsonl:1: key \"query\" appears twice"},
      {R"({"query": null, "pos_doc": "p"})", "query: expected a string"},
      {R"({"query": "q", "pos_doc": null})", "pos_doc: expected a string"},
      {R"({"query": "q", "pos_doc": "p", "negative_2": 3})", "negative_2: expected a string"},
      {R"({"sentence1": "a", "sentence2": "b"})", "score: is missing, expected a number"},
      {R"({"sentence1": "a", "sentence2": "b", "score": true})", "score: expected a number"},
      {R"({"sentence1": "a", "sentence2": "b", "score": 1, "label": 1})", "label: says what"},
      {R"({"sentence1": "a", "score": 1})", "sentence2: is missing"},
      {R"([])", "expected an object"},
      {R"({"query": "q")", "texts.jsonl:1"},
  };
  for (const auto& [line, expected] : kCases) {
    std::string wanted = expected;
    if (const size_t at = wanted.find("texts.jsonl:1: pos_doc says"); at != std::string::npos)
      wanted.insert(at, (root_ / "").string());
    EXPECT_THAT(error_of(line), HasSubstr(wanted)) << line;
  }
  EXPECT_THAT(
      error_of("{\"query\": \"q\", \"pos_doc\": \"p\"}\n{\"sentence1\": \"a\", \"sentence2\": \"b\", \"score\": 1}"),
      HasSubstr("texts.jsonl:2: is two texts with a score, " + (root_ / "texts.jsonl:1").string() +
                " is a query with its documents"));
  EXPECT_FALSE(fs::exists(options_.output));
}

TEST_F(TextsPackTest, AQueryIsHeldOutWithAllItsLines) {
  std::string lines;
  for (int i = 0; i < 300; ++i)
    lines += Json{{"query", "q" + std::to_string(i / 3)}, {"pos_doc", "p" + std::to_string(i)}}.dump() + "\n";
  pack(lines, 0.3);
  std::map<std::string, std::set<std::string>> splits;
  for (const char* split : {"train", "held_out"})
    for (const std::string& text : packed(split))
      if (text[0] == 'q') splits[text].insert(split);
  EXPECT_EQ(100u, splits.size());
  int64_t held_out = 0;
  for (const auto& [query, in] : splits) {
    EXPECT_EQ(1u, in.size()) << query;
    held_out += in.contains("held_out");
  }
  EXPECT_NEAR(30, held_out, 15);
}

TEST_F(TextsPackTest, OtherFormsHaveNoScores) {
  write_file(root_ / "chats.jsonl", "{\"prompt\": \"a\", \"completion\": \"b\"}");
  const ChatPackConfig config{.inputs = {(root_ / "chats.jsonl").string()}, .highest_score = 5};
  EXPECT_THROW(pack_chats(config, options_, pool_), Failure);
}

}  // namespace
}  // namespace maru::data
