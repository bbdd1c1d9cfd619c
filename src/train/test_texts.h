// Small directories of texts for tests, and an encoder.
#pragma once
#include <string>
#include <vector>

#include "base/json.h"
#include "base/random.h"
#include "formats/token_dataset.h"
#include "ledger/artefact_writer.h"
#include "models/encoder_files.h"
#include "models/weights.h"
#include "train/test_tokens.h"

namespace maru::train {

/// Of one of 28 subjects, whose word a query and a document spell differently; other words mean nothing, but for the
/// last one of a wrong document.
inline std::vector<int32_t> test_text(Random& random, int32_t word, bool wrong = false) {
  std::vector<int32_t> tokens;
  for (uint64_t i = 1 + random.below(4); i-- > 0;) tokens.push_back(word);
  tokens.push_back(static_cast<int32_t>(58 + random.below(5)));
  if (wrong) tokens.push_back(63);
  return tokens;
}

/// Writes queries with a document each, and a negative of every second, or pairs of texts with a score; half as many
/// held out. Around a text stands token 0, behind it 1. `notes` are merged into the manifest's.
inline void write_test_texts(const fs::path& directory, int64_t examples, uint64_t seed, bool scored = false,
                             const Json& notes = Json::object()) {
  ledger::ArtefactWriter artefact(directory);
  formats::TokenDatasetWriter writer(artefact.directory(), TestTokens::kVocabulary, false, 1 << 24, true);
  Random random(seed);
  for (const char* split : {"train", "held_out"}) {
    writer.begin_split(split);
    for (int64_t i = 0; i < (split == std::string("train") ? examples : examples / 2); ++i) {
      const auto subject = static_cast<int32_t>(random.below(28)), other = static_cast<int32_t>(random.below(28));
      const bool same = !scored || random.below(2) == 0;
      const double score = same ? 1 : 0;
      writer.add(test_text(random, 2 + 2 * subject), 10, {}, scored ? score : 0);
      writer.add(test_text(random, 3 + 2 * (same ? subject : other)), 10, {}, scored ? score : 1);
      if (!scored && i % 2 == 0) writer.add(test_text(random, 3 + 2 * other, true), 10, {}, 2);
    }
  }
  writer.finish();
  ledger::Manifest manifest;
  manifest.kind = "tokens", manifest.name = "texts";
  manifest.notes = {
      {"texts", writer.num_documents()},
      {"scored", scored},
      {"frame",
       {{"pieces", Json::array({{0}, {1}})}, {"piece_types", Json::array({{0}, {0}})}, {"types", Json::array({0})}}},
      {"pair_frame",
       {{"pieces", Json::array({{0}, {1}, {1}})},
        {"piece_types", Json::array({{0}, {0}, {1}})},
        {"types", Json::array({0, 1})}}}};
  manifest.notes.merge_patch(notes);
  artefact.commit(manifest);
}

/// A BERT of random weights, in the directory of a model.
inline void write_test_bert(const fs::path& directory) {
  EncoderConfig config{.vocab_size = TestTokens::kVocabulary,
                       .hidden_size = 32,
                       .intermediate_size = 64,
                       .num_hidden_layers = 2,
                       .num_attention_heads = 4,
                       .max_position_embeddings = 40};
  Encoder encoder(config, Dtype::kF32);
  allocate_values(encoder);
  Random random(3);
  for (Parameter* p : encoder.parameters())
    for (int64_t i = 0; i < p->value.size(); ++i)
      p->value.data<float>()[i] =
          static_cast<float>(p->name.ends_with("LayerNorm.weight") ? 1.0 : 0.1 * random.normal());
  ledger::ArtefactWriter writer(directory);
  save_encoder(encoder, writer.directory());
  write_json(writer.directory() / "config.json", {{"architectures", {"BertForMaskedLM"}},
                                                  {"model_type", "bert"},
                                                  {"vocab_size", config.vocab_size},
                                                  {"hidden_size", 32},
                                                  {"intermediate_size", 64},
                                                  {"num_hidden_layers", 2},
                                                  {"num_attention_heads", 4},
                                                  {"max_position_embeddings", 40}});
  ledger::Manifest manifest;
  manifest.kind = "model", manifest.name = "bert";
  writer.commit(manifest);
}

inline EncoderConfig test_bert(const fs::path& directory) {
  return encoder_config_from_hugging_face(read_json(directory / "config.json"), "bert");
}

}  // namespace maru::train
