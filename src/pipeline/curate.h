// The stage from files to a dataset, and from a dataset, conversations or pairs of answers to packed tokens.
#pragma once
#include "data/build.h"
#include "data/pack.h"
#include "pipeline/workplace.h"

namespace maru::pipeline {

/// Curates files into datasets/NAME. `force`: also when nothing has changed.
///
/// Throws   as data::build_dataset, and as Home::place for the name.
data::BuildResult curate(const Workplace&, const std::string& name, const data::BuildConfig&, bool force = false);

struct PackedTokens {
  fs::path directory;
  data::PackResult result;
};

/// Packs a dataset, by name or directory, into its folder tokens-TOKENIZER.
PackedTokens pack(const Workplace&, const std::string& dataset, const std::string& tokenizer);
/// Which tokens of other data are replaced by those that are packed into their place.
enum class Replaced : uint8_t {
  kAny,
  kUnused,  // those that nothing in the home was made from
};

/// Packs conversations into datasets/NAME/tokens-TOKENIZER, as the next ones pack theirs.
///
/// Throws   as data::pack_chats and its neighbours; kExists naming what was made from tokens that are to stay.
PackedTokens pack_chats(const Workplace&, const std::string& name, const std::string& tokenizer,
                        const data::ChatPackConfig&, Replaced = Replaced::kAny);
/// Packs pairs of answers into datasets/NAME/tokens-TOKENIZER.
PackedTokens pack_preferences(const Workplace&, const std::string& name, const std::string& tokenizer,
                              const data::ChatPackConfig&, Replaced = Replaced::kAny);
/// Packs prompts that are answered in training into datasets/NAME/tokens-TOKENIZER.
PackedTokens pack_prompts(const Workplace&, const std::string& name, const std::string& tokenizer,
                          const data::ChatPackConfig&, Replaced = Replaced::kAny);

/// Packs texts to be embedded or scored into datasets/NAME/tokens-TOKENIZER.
PackedTokens pack_texts(const Workplace&, const std::string& name, const std::string& tokenizer,
                        const data::ChatPackConfig&, Replaced = Replaced::kAny);

}  // namespace maru::pipeline
