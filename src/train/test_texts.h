// Small directories of texts for tests, in TestTokens' language: texts that count by the same stride are about the same.
#pragma once
#include <string>
#include <vector>

#include "base/json.h"
#include "base/random.h"
#include "formats/token_dataset.h"
#include "ledger/artefact_writer.h"
#include "train/test_tokens.h"

namespace maru::train {

inline std::vector<int32_t> test_text(Random& random, int32_t stride, uint64_t longest) {
  std::vector<int32_t> tokens{static_cast<int32_t>(2 + random.below(60))};
  for (uint64_t i = 2 + random.below(longest); i-- > 0;) tokens.push_back(2 + (tokens.back() + stride) % 60);
  return tokens;
}

/// Writes queries with a document each, and a negative of every second, or pairs of texts with a score; half as many
/// held out. Around a text stands token 0, behind it 1.
inline void write_test_texts(const fs::path& directory, int64_t examples, uint64_t seed, bool scored = false,
                             uint64_t longest = 8) {
  ledger::ArtefactWriter artefact(directory);
  formats::TokenDatasetWriter writer(artefact.directory(), TestTokens::kVocabulary, false, 1 << 24, true);
  Random random(seed);
  for (const char* split : {"train", "held_out"}) {
    writer.begin_split(split);
    for (int64_t i = 0; i < (split == std::string("train") ? examples : examples / 2); ++i) {
      const auto stride = static_cast<int32_t>(1 + 4 * random.below(12));
      const bool same = !scored || random.below(2) == 0;
      const double score = same ? 1 : 0;
      writer.add(test_text(random, stride, longest), 10, {}, scored ? score : 0);
      writer.add(test_text(random, same ? stride : stride + 2, longest), 10, {}, scored ? score : 1);
      if (!scored && i % 2 == 0) writer.add(test_text(random, stride + 2, longest), 10, {}, 2);
    }
  }
  writer.finish();
  ledger::Manifest manifest;
  manifest.kind = "tokens", manifest.name = "texts";
  manifest.notes = {{"texts", writer.num_documents()},
                    {"scored", scored},
                    {"frame", {{"pieces", Json::array({{0}, {1}})}, {"types", {0}}}},
                    {"pair_frame", {{"pieces", Json::array({{0}, {1}, {1}})}, {"types", {0, 1}}}}};
  artefact.commit(manifest);
}

}  // namespace maru::train
