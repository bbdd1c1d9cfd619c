// What the reference test of structured output runs: answers drawn at random through the masks of a schema.
//
//   grammar_tool TOKENIZER FILE COUNT    FILE: one JSON Schema per line; to {"answers": [text, …]} or {"error"} per
//   line
#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "base/byte_source.h"
#include "base/json.h"
#include "base/random.h"
#include "text/grammar/compile.h"
#include "text/grammar/grammar_matcher.h"
#include "text/grammar/token_trie.h"
#include "text/tokenizer/files/load_tokenizer.h"

namespace {

using maru::Json;
using maru::Random;
namespace text = maru::text;

constexpr int kFreeSteps = 60, kMaxSteps = 4000;

/// Draws an answer; after some tokens, it takes what leads to its end.
class Answer {
 public:
  Answer(std::shared_ptr<const text::Grammar> grammar, const text::TokenTrie& tokens, int32_t end)
      : matcher_(std::move(grammar), tokens, {end}), tokens_(tokens), end_(end), mask_(tokens.mask_words()) {}

  std::string run(Random& random) {
    for (int step = 0; step < kMaxSteps; ++step) {
      matcher_.fill_mask(mask_);
      std::vector<int32_t> allowed;
      for (int32_t token = 0; token < tokens_.num_ids(); ++token)
        if ((mask_[static_cast<uint32_t>(token) / 32] >> (token % 32) & 1) != 0) allowed.push_back(token);
      if (allowed.empty()) return "a dead end behind: " + said_;
      int32_t token = allowed[random.below(allowed.size())];
      if (step >= kFreeSteps)
        token =
            *std::min_element(allowed.begin(), allowed.end(), [&](int32_t a, int32_t b) { return cost(a) < cost(b); });
      if (!matcher_.accept(token)) return "not accepted behind: " + said_;
      if (token == end_) return said_;
      said_ += tokens_.bytes_of(token);
    }
    return "no end: " + said_;
  }

 private:
  size_t cost(int32_t token) const {
    if (token == end_) return 0;
    const std::string_view bytes = tokens_.bytes_of(token);
    const size_t at = std::string_view("\"}]:0123456789tfn,").find(bytes[0]);
    return 1 + 100 * std::min<size_t>(at, 50) + bytes.size();
  }
  text::GrammarMatcher matcher_;
  const text::TokenTrie& tokens_;
  int32_t end_;
  std::vector<uint32_t> mask_;
  std::string said_;
};

Json answers(const Json& schema, const text::TokenTrie& tokens, int32_t end, int count, Random& random) {
  try {
    const auto grammar = text::compile_json_schema(maru::JsonNode(schema, "schema"));
    Json list = Json::array();
    for (int i = 0; i < count; ++i) list.push_back(Answer(grammar, tokens, end).run(random));
    return {{"answers", list}};
  } catch (const maru::Failure& failure) {
    return {{"error", failure.error().message}};
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const text::Tokenizer tokenizer = text::load_tokenizer(argv[1]);
  const text::TokenTrie tokens(tokenizer);
  Random random(11);
  maru::LineReader lines(argv[2]);
  while (const auto line = lines.next())
    std::cout << answers(maru::parse_json(*line, "schema").value(), tokens, tokenizer.eos().value(), std::atoi(argv[3]),
                         random)
                     .dump()
              << "\n";
}
