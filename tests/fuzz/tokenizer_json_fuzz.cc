// Any bytes as a tokenizer.json: they are refused with an error, or give a tokenizer that encodes, decodes and writes
// itself without harm.
#include <cstddef>
#include <cstdint>

#include "text/stream_decoder.h"

namespace {

constexpr std::string_view kText = "Hello <s> 안녕 \xFF▁world 123\n👩\u200d👧 e\u0301 don't";

void use(const maru::text::Tokenizer& tokenizer) {
  try {
    const auto pair = tokenizer.encode_pair(kText, "b");
    maru::text::StreamDecoder decoder(tokenizer, false);
    for (const int32_t id : pair.ids) decoder.push(id);
    decoder.flush();
    tokenizer.decode(pair.ids);
    if (tokenizer.contains(0)) (void)tokenizer.bytes_of(0);
  } catch (const maru::Failure&) {
    // a pattern that backtracks too far, or a text that the vocabulary cannot spell
  }
  (void)maru::text::Tokenizer::parse(tokenizer.to_json(), "again");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  const auto tokenizer = maru::text::Tokenizer::parse(json, "fuzz");
  if (tokenizer.ok()) use(tokenizer.value());
  return 0;
}
