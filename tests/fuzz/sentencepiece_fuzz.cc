// Any bytes as a SentencePiece .model: they are refused with an error, or give a tokenizer that encodes and decodes
// without harm.
#include <cstddef>
#include <cstdint>

#include "text/tokenizer/files/sentencepiece.h"
#include "tokenizer_use.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace maru::text;
  const auto spec = parse_sentencepiece({reinterpret_cast<const char*>(data), size}, "fuzz", {true, true});
  if (!spec.ok()) return 0;
  const auto tokenizer = Tokenizer::create(spec.value(), "fuzz");
  if (!tokenizer.ok()) return 0;
  try {
    use(tokenizer.value());
  } catch (const maru::Failure&) {
    // a character that no piece spells where the model has no unknown piece
  }
  return 0;
}
