// Training of a byte-level BPE tokenizer from files larger than memory: documents stream through the pre-tokenizer
// into counts of pre-tokens (pretoken_counter.h), from which the merges are chosen (merge_learner.h).
// Deterministic, whatever the number of threads.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/file.h"
#include "base/thread_pool.h"
#include "base/watch.h"
#include "text/tokenizer/train/merge_learner.h"
#include "text/tokenizer/train/pretoken_counter.h"
#include "text/tokenizer/tokenizer.h"

namespace maru::text {

struct BpeTrainerConfig {
  int64_t vocab_size = 32000;
  int64_t min_frequency = 2;
  int64_t max_token_bytes = 64;
  int64_t max_pretoken_bytes = 1024;
  int64_t count_memory_mib = 4096;
  std::string pattern;  // empty: maru_pattern()
  std::string text_field = "text";
  std::vector<std::string> special_tokens;  // empty: default_special_tokens()
  static constexpr auto fields() {
    using C = BpeTrainerConfig;
    return std::tuple{
        field("vocab_size", &C::vocab_size, "ids in all: special tokens, 256 bytes, merges").range(257, 1 << 24),
        field("min_frequency", &C::min_frequency, "pairs rarer than this are not merged").range(1, 1e15),
        field("max_token_bytes", &C::max_token_bytes, "longer tokens are not made").range(2, 4096),
        field("max_pretoken_bytes", &C::max_pretoken_bytes, "longer words are counted in parts").range(16, 1 << 20),
        field("count_memory_mib", &C::count_memory_mib, "above this the rarest words are forgotten").range(1, 1 << 20),
        field("pattern", &C::pattern, "regular expression that splits text into words; empty: Maru's own"),
        field("text_field", &C::text_field, "field of JSONL documents that holds the text"),
        field("special_tokens", &C::special_tokens, "ids 0, 1, …; empty: Maru's sixteen"),
    };
  }
};

struct BpeTrainerReport {
  int64_t documents = 0, bytes = 0, pretokens = 0, distinct_pretokens = 0;
  int64_t long_pretokens = 0;
  int64_t prunings = 0, pruned_distinct = 0, pruned_count = 0;
  int64_t merges = 0, vocab_size = 0;
  static constexpr auto fields() {
    using R = BpeTrainerReport;
    return std::tuple{field("documents", &R::documents, "read"),
                      field("bytes", &R::bytes, "of text"),
                      field("pretokens", &R::pretokens, "words counted"),
                      field("distinct_pretokens", &R::distinct_pretokens, "different words"),
                      field("long_pretokens", &R::long_pretokens, "words counted in parts"),
                      field("prunings", &R::prunings, "times the memory limit was reached"),
                      field("pruned_distinct", &R::pruned_distinct, "words forgotten then"),
                      field("pruned_count", &R::pruned_count, "occurrences of them"),
                      field("merges", &R::merges, "learned"),
                      field("vocab_size", &R::vocab_size, "of the tokenizer")};
  }
};

struct TrainedTokenizer {
  Tokenizer tokenizer;
  BpeTrainerReport report;
};

/// <|begin_of_text|>, <|end_of_text|>, <|im_start|>, <|im_end|>, <|pad|> and reserved ones: sixteen.
std::vector<std::string> default_special_tokens();

/// Trains on files (JSONL or plain text, compressed or not: document_stream.h).
///
/// Throws   kInvalidArgument for an empty corpus, a bad pattern or config, and documents that are not as expected,
///          naming file and line; kCancelled when interrupted.
TrainedTokenizer train_tokenizer(const std::vector<fs::path>& files, const BpeTrainerConfig& config, ThreadPool& pool,
                                 const Watch& watch = {});
/// The second half alone: from counts to a tokenizer.
TrainedTokenizer train_tokenizer(const std::vector<PretokenCount>& counts, const BpeTrainerConfig& config,
                                 const Watch& watch = {});

}  // namespace maru::text
