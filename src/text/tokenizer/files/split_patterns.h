// The split patterns of known byte-level tokenizers, for files that only name them: GGUF's `tokenizer.ggml.pre` and
// tiktoken's encodings.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace maru::text {

/// Patterns one after the other, and what else the name stands for.
struct KnownSplit {
  std::vector<std::string> patterns;
  bool ignore_merges = false;
  bool add_bos = false, add_sep = false;  // where the file does not say
};

/// By GGUF's name, e.g. "llama-bpe"; empty: not known.
///
/// Source   llama.cpp, llama_vocab::impl::load and llm_tokenizer_bpe
std::optional<KnownSplit> split_of_gguf(std::string_view pre);
/// A name for each split that llama.cpp computes as we do, the best known first. Those by the case of letters (gpt-4o,
/// tekken, tiny_aya, llama4) are not among them: we split as the models were trained, llama.cpp knows only ASCII's case
/// there and no marks.
std::span<const std::string_view> gguf_split_names();
/// "gpt2", "r50k_base", "p50k_base", "cl100k_base", "o200k_base", "llama3", "qwen"
std::optional<std::string> pattern_of_tiktoken(std::string_view name);

}  // namespace maru::text
