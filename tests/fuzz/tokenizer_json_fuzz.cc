// Any bytes as a tokenizer.json: they are refused with an error, or give a tokenizer that encodes, decodes and writes
// itself without harm.
#include <cstddef>
#include <cstdint>

#include "text/tokenizer/files/load_tokenizer.h"
#include "text/tokenizer/files/tokenizer_json.h"
#include "tokenizer_use.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace maru::text;
  const auto tokenizer = parse_tokenizer({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!tokenizer.ok()) return 0;
  try {
    use(tokenizer.value());
  } catch (const maru::Failure&) {
    // a pattern that backtracks too far, or a text that the vocabulary cannot spell
  }
  (void)parse_tokenizer(write_tokenizer_json(tokenizer.value().spec()), "again");
  return 0;
}
