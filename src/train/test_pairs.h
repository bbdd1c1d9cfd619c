// A small directory of pairs of answers for tests, in TestTokens' language: the chosen answer counts by ones, the
// rejected one by fives.
#pragma once
#include <string>
#include <vector>

#include "base/json.h"
#include "base/random.h"
#include "formats/token_dataset.h"
#include "ledger/artefact_writer.h"
#include "train/test_tokens.h"

namespace maru::train {

/// A prompt, and an answer that goes on from it in steps of `stride`; the mask is on the answer.
struct TestAnswer {
  std::vector<int32_t> tokens;
  std::vector<uint8_t> mask;
  TestAnswer(const std::vector<int32_t>& prompt, uint64_t answer, int32_t stride)
      : tokens(prompt), mask(prompt.size()) {
    for (uint64_t i = 0; i < answer; ++i) tokens.push_back(2 + (tokens.back() + stride) % 60), mask.push_back(1);
  }
};

inline std::vector<int32_t> test_prompt(Random& random, uint64_t longest) {
  std::vector<int32_t> prompt{0};
  for (uint64_t i = random.below(longest); i-- > 0;) prompt.push_back(static_cast<int32_t>(2 + random.below(60)));
  return prompt;
}

/// Writes `pairs` for training and half as many held out. Prompts of up to `prompt` tokens, answers of up to `answer`;
/// the chosen one counts by the first of the strides.
inline void write_test_pairs(const fs::path& directory, int64_t pairs, uint64_t seed, uint64_t prompt = 6,
                             uint64_t answer = 12, bool with_held_out = true,
                             const std::vector<int32_t>& strides = {1, 5}) {
  ledger::ArtefactWriter artefact(directory);
  formats::TokenDatasetWriter writer(artefact.directory(), TestTokens::kVocabulary, true);
  Random random(seed);
  for (const char* split : {"train", "held_out"}) {
    writer.begin_split(split);
    const bool held_out = split == std::string("held_out");
    for (int64_t i = 0; i < (held_out ? (with_held_out ? pairs / 2 : 0) : pairs); ++i) {
      const std::vector<int32_t> asked = test_prompt(random, prompt);
      for (const int32_t stride : strides) {
        const TestAnswer one(asked, 1 + random.below(answer), stride);
        writer.add(one.tokens, 10, one.mask);
      }
    }
  }
  writer.finish();
  ledger::Manifest manifest;
  manifest.kind = "tokens", manifest.name = "pairs";
  manifest.notes = {{"pairs", writer.num_documents() / 2}};
  artefact.commit(manifest);
}

/// Writes answers with labels, half as many held out: what counts by ones is good.
inline void write_test_labelled(const fs::path& directory, int64_t answers, uint64_t seed, bool with_values = true) {
  ledger::ArtefactWriter artefact(directory);
  formats::TokenDatasetWriter writer(artefact.directory(), TestTokens::kVocabulary, true, 1 << 24, with_values);
  Random random(seed);
  for (const char* split : {"train", "held_out"}) {
    writer.begin_split(split);
    for (int64_t i = 0; i < (split == std::string("train") ? answers : answers / 2); ++i) {
      const bool good = random.below(2) == 1;
      const TestAnswer one(test_prompt(random, 6), 1 + random.below(12), good ? 1 : 5);
      writer.add(one.tokens, 10, one.mask, with_values && good ? 1 : 0);
    }
  }
  writer.finish();
  ledger::Manifest manifest;
  manifest.kind = "tokens", manifest.name = "labelled";
  manifest.notes = {{"labelled", writer.num_documents()}};
  artefact.commit(manifest);
}

}  // namespace maru::train
