// For tests: conversations in the tokens of the byte tokenizer, packed with a mask on their answers.
#pragma once
#include "base/random.h"
#include "formats/token_dataset.h"
#include "tune/test_prompts.h"

namespace maru::tune {

/// `turns` of it: each some bytes that are asked, then some that answer.
inline void add_conversation(formats::TokenDatasetWriter& writer, Random& random, int turns, bool with_mask = true) {
  std::vector<int32_t> tokens{1};
  std::vector<uint8_t> mask{0};
  for (int turn = 0; turn < turns; ++turn)
    for (const bool answers : {false, true})
      for (uint64_t n = 2 + random.below(5); n > 0; --n) {
        tokens.push_back(static_cast<int32_t>(4 + random.below(250)));
        mask.push_back(answers);
      }
  if (!with_mask) mask.clear();
  writer.add(tokens, tokens.size(), mask);
}

/// Of one to three turns, a quarter as many held out.
inline void write_conversations(const fs::path& directory, int count, uint64_t seed, bool with_mask = true) {
  ledger::ArtefactWriter artefact(directory);
  formats::TokenDatasetWriter writer(artefact.directory(), 260, with_mask);
  Random random(seed);
  for (const char* split : {"train", "held_out"}) {
    writer.begin_split(split);
    for (int i = 0; i < (split == std::string("train") ? count : count / 4); ++i)
      add_conversation(writer, random, 1 + i % 3, with_mask);
  }
  writer.finish();
  ledger::Manifest manifest;
  manifest.kind = "tokens", manifest.name = "conversations";
  artefact.commit(std::move(manifest));
}

}  // namespace maru::tune
