#include "text/tokenizer/tokenizer_spec.h"

namespace maru::text {

TokenizerSpec byte_level_spec(const std::vector<std::string>& patterns, bool gpt2_split) {
  TokenizerSpec spec;
  for (const std::string& pattern : patterns)
    spec.pre_tokenizer.steps.push_back(pre_tokenizers::Split{.pattern = {.text = pattern}});
  spec.pre_tokenizer.sequence = !patterns.empty();
  spec.pre_tokenizer.steps.push_back(pre_tokenizers::ByteLevel{.use_regex = gpt2_split});
  spec.decoder.steps.push_back(decoders::ByteLevel{.add_prefix_space = false});
  spec.byte_level = true;
  return spec;
}

post_processors::Template around(const std::vector<post_processors::SpecialToken>& before,
                                 const std::vector<post_processors::SpecialToken>& after) {
  post_processors::Template made;
  const auto add = [&](std::vector<post_processors::Piece>& to, uint32_t sequence) {
    for (const auto& token : before) to.push_back({.token = token.name, .type_id = sequence});
    to.push_back({.sequence = static_cast<int32_t>(sequence), .token = {}, .type_id = sequence});
    for (const auto& token : after) to.push_back({.token = token.name, .type_id = sequence});
  };
  add(made.single, 0);
  add(made.pair, 0);
  add(made.pair, 1);
  made.special_tokens = before;
  made.special_tokens.insert(made.special_tokens.end(), after.begin(), after.end());
  return made;
}

}  // namespace maru::text
