// The vocabulary of a hostile GGUF file, as its reader hands it on: refused with an error, or a tokenizer that encodes
// and decodes without harm. An input is a byte for the model, one for the split pattern, flags, and lines: the tokens
// (a type before each), an empty line, the merges.
#include <cstddef>
#include <cstdint>

#include "text/tokenizer/files/gguf_vocabulary.h"
#include "tokenizer_use.h"

namespace {

using maru::text::GgufVocabulary;

constexpr const char* kModels[] = {"llama", "gpt2", "bert", "t5"};
constexpr const char* kPatterns[] = {"gpt-2", "llama-bpe", "qwen2", "exaone", "deepseek-llm", "gpt-4o"};

std::string_view next_line(std::string_view& rest) {
  const size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

GgufVocabulary read(std::string_view bytes) {
  GgufVocabulary v{.model = kModels[static_cast<uint8_t>(bytes[0]) % std::size(kModels)],
                   .pre = kPatterns[static_cast<uint8_t>(bytes[1]) % std::size(kPatterns)]};
  const auto flags = static_cast<uint8_t>(bytes[2]);
  std::string_view rest = bytes.substr(3);
  for (std::string_view line = next_line(rest); !line.empty(); line = next_line(rest)) {
    v.token_types.push_back(line[0] % 8);
    v.tokens.emplace_back(line.substr(1));
    v.scores.push_back(static_cast<float>(-line[0]) / 7);
  }
  while (!rest.empty()) v.merges.emplace_back(next_line(rest));
  if (flags & 1) v.bos = 0, v.cls = 0;
  if (flags & 2) v.eos = 1, v.sep = 1;
  if (flags & 4) v.unk = 2;
  v.add_bos = flags & 8, v.add_eos = flags & 16, v.add_space_prefix = flags & 32;
  v.remove_extra_whitespaces = flags & 64;
  return v;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  const auto tokenizer = maru::text::gguf_tokenizer(read({reinterpret_cast<const char*>(data), size}), "fuzz");
  if (!tokenizer.ok()) return 0;
  try {
    maru::text::use(tokenizer.value());
  } catch (const maru::Failure&) {
    // a text that the vocabulary cannot spell
  }
  return 0;
}
