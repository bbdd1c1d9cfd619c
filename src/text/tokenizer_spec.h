// A tokenizer as plain data: what tokenizer.json says, with merges as ids. Read by tokenizer_json.h, made by the
// trainer, and turned into something that runs by Tokenizer.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "text/bpe_model.h"

namespace maru::text {

enum class Normalizer : uint8_t { kNone, kNfc };

/// A token matched in the text before pre-tokenisation.
struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool special = true;
  bool normalized = false;  // matched in the normalised text
};

struct TokenizerSpec {
  Normalizer normalizer = Normalizer::kNone;
  std::vector<std::string> split_patterns;  // applied one after the other; matches and gaps become pieces
  bool gpt2_split = false;                  // ByteLevel(use_regex): kGpt2Pattern behind the above
  std::vector<std::pair<int32_t, std::string>> vocabulary;  // id, bytes
  std::vector<Merge> merges;
  bool ignore_merges = false;
  std::vector<AddedToken> added_tokens;
  std::vector<int32_t> prefix, suffix;  // put around a text by add_special_tokens
};

}  // namespace maru::text
