// What every fuzzed tokenizer must bear: encoding, and decoding at once and token by token, with the same text and
// never a broken character. Aborts where it does not hold.
#pragma once
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/utf8.h"
#include "text/tokenizer/stream_decoder.h"

namespace maru::text {

inline void require(bool good) {
  if (!good) std::abort();
}

inline void use_ids(const Tokenizer& tokenizer, const std::vector<int32_t>& ids) {
  StreamDecoder decoder(tokenizer, false);
  std::string text;
  for (const int32_t id : ids) {
    const std::string part = decoder.push(id);
    require(is_valid_utf8(part));
    text += part;
  }
  text += decoder.flush();
  require(text == replace_invalid_utf8(tokenizer.decode(ids)));
}

/// A fixed text and the spellings of the first tokens, encoded; what comes out, and ids as they come, decoded.
inline void use(const Tokenizer& tokenizer) {
  std::string text = "Hello <s> 안녕 \xFF  ▁world 123\n👩\u200d👧 e\u0301 don't ab a b";
  std::vector<int32_t> ids;
  for (int32_t id = 0; id < tokenizer.vocab_size() && ids.size() < 300; ++id) {
    if (!tokenizer.contains(id)) continue;
    ids.push_back(id);
    if (text.size() < 2000) text += tokenizer.spelling_of(id);
    (void)tokenizer.bytes_of(id);
  }
  use_ids(tokenizer, ids);
  use_ids(tokenizer, tokenizer.encode(text, {.add_special_tokens = true}));
  (void)tokenizer.encode(text, {.parse_special = false});
  (void)tokenizer.encode_pair(text, "b");
}

}  // namespace maru::text
