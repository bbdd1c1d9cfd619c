#include "text/tokenizer/train/bpe_trainer.h"

#include <future>
#include <unordered_set>

#include "base/progress.h"
#include "text/tokenizer/scanner.h"
#include "text/tokenizer/train/document_stream.h"

namespace maru::text {
namespace {

constexpr size_t kBlockBytes = 32 << 20;
constexpr int kMergesPerCheck = 256;

BpeTrainerConfig resolved(BpeTrainerConfig config) {
  if (config.pattern.empty()) config.pattern = maru_pattern();
  if (config.special_tokens.empty()) config.special_tokens = default_special_tokens();
  std::unordered_set<std::string> seen;
  for (const std::string& token : config.special_tokens)
    if (token.size() < 2 || token.size() > 1024 || !seen.insert(token).second)
      throw Failure(ErrorCode::kInvalidArgument,
                    "special_tokens: expected distinct tokens of 2 to 1024 bytes, got \"" + token + "\"");
  const int64_t least = static_cast<int64_t>(config.special_tokens.size()) + 256;
  if (config.vocab_size < least)
    throw Failure(ErrorCode::kInvalidArgument, "vocab_size: expected at least " + std::to_string(least) +
                                                   " (special tokens and 256 bytes), got " +
                                                   std::to_string(config.vocab_size));
  return config;
}

TokenizerSpec spec_of(const MergeLearner& learner, const BpeTrainerConfig& config) {
  TokenizerSpec spec = byte_level_spec({config.pattern});
  spec.model = BpeSpec{.merges = learner.merges()};
  int32_t id = 0;
  for (const std::string& token : config.special_tokens) {
    spec.vocabulary.emplace_back(id, token);
    spec.added_tokens.push_back({.id = id++, .content = token});
  }
  for (const std::string& token : learner.tokens()) spec.vocabulary.emplace_back(id++, token);
  const std::string& bos = config.special_tokens.front();
  spec.post_processor.steps.push_back(around({{bos, {0}, {bos}}}, {}));
  return spec;
}

void learn(MergeLearner& learner, uint64_t wanted, const Watch& watch) {
  Progress progress(watch, "merges", wanted, "merges");
  for (int i = 0; learner.step(); ++i) {
    if (i % kMergesPerCheck != 0) continue;
    watch.throw_if_cancelled();
    progress.update(learner.merges().size());
  }
}

uint64_t size_of(const std::vector<RawDocument>& block) {
  uint64_t bytes = 0;
  for (const RawDocument& document : block) bytes += document.bytes.size();
  return bytes;
}

// Reads the next block while the last one is counted.
void count_all(DocumentStream& stream, const std::string& text_field, PretokenCounter& counter, const Watch& watch) {
  Progress progress(watch, "words", 0, "bytes");
  const auto read = [&] { return stream.next_block(kBlockBytes); };
  for (std::vector<RawDocument> block = read(); !block.empty();) {
    auto next = std::async(std::launch::async, read);
    watch.throw_if_cancelled();
    counter.add_block(static_cast<int64_t>(block.size()),
                      [&](int64_t i) { return stream.text_of(block[static_cast<size_t>(i)], text_field); });
    progress.add(size_of(block));
    block = next.get();
  }
}

PretokenCounter::Options counter_options(const BpeTrainerConfig& config) {
  return {.memory_limit_bytes = static_cast<uint64_t>(config.count_memory_mib) << 20,
          .max_pretoken_bytes = static_cast<size_t>(config.max_pretoken_bytes)};
}

}  // namespace

std::vector<std::string> default_special_tokens() {
  std::vector<std::string> tokens{"<|begin_of_text|>", "<|end_of_text|>", "<|im_start|>", "<|im_end|>", "<|pad|>"};
  for (int i = 0; tokens.size() < 16; ++i) tokens.push_back("<|reserved_" + std::to_string(i) + "|>");
  return tokens;
}

TrainedTokenizer train_tokenizer(const std::vector<PretokenCount>& counts, const BpeTrainerConfig& unresolved,
                                 const Watch& watch) {
  const BpeTrainerConfig config = resolved(unresolved);
  const int32_t first = static_cast<int32_t>(config.special_tokens.size());
  MergeLearner learner(counts, {.first_id = first,
                                .vocab_size = static_cast<int32_t>(config.vocab_size),
                                .min_frequency = config.min_frequency,
                                .max_token_bytes = static_cast<size_t>(config.max_token_bytes),
                                .reserved = config.special_tokens});
  learn(learner, static_cast<uint64_t>(config.vocab_size - first - 256), watch);
  TrainedTokenizer trained{Tokenizer::create(spec_of(learner, config), "trained tokenizer").value(), {}};
  trained.report.distinct_pretokens = static_cast<int64_t>(counts.size());
  trained.report.merges = static_cast<int64_t>(learner.merges().size());
  trained.report.vocab_size = trained.tokenizer.vocab_size();
  return trained;
}

TrainedTokenizer train_tokenizer(const std::vector<fs::path>& files, const BpeTrainerConfig& unresolved,
                                 ThreadPool& pool, const Watch& watch) {
  const BpeTrainerConfig config = resolved(unresolved);
  const PreTokenizer pre_tokenizer = PreTokenizer::create({config.pattern}, "pattern").value();
  PretokenCounter counter(pre_tokenizer, counter_options(config), pool);
  DocumentStream stream(files);
  count_all(stream, config.text_field, counter, watch);
  const PretokenReport read = counter.report();
  if (read.pretokens == 0)
    throw Failure(ErrorCode::kInvalidArgument, "nothing to train a tokenizer on: " + std::to_string(files.size()) +
                                                   " files with " + std::to_string(read.documents) +
                                                   " documents hold no text");
  TrainedTokenizer trained = train_tokenizer(counter.take(), config, watch);
  trained.report.documents = read.documents;
  trained.report.bytes = read.bytes;
  trained.report.pretokens = read.pretokens;
  trained.report.long_pretokens = read.long_pretokens;
  trained.report.prunings = read.prunings;
  trained.report.pruned_distinct = read.pruned_distinct;
  trained.report.pruned_count = read.pruned_count;
  return trained;
}

}  // namespace maru::text
