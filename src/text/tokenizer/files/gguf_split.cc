#include "text/tokenizer/files/gguf_split.h"

#include <cstdlib>
#include <tuple>

#include "text/tokenizer/encoder.h"
#include "text/tokenizer/files/split_patterns.h"

namespace maru::text {

GgufTrial try_gguf(const Tokenizer& tokenizer, const GgufVocabulary& vocabulary, std::span<const std::string> lines) {
  const Tokenizer theirs = gguf_tokenizer(vocabulary, "export").value();
  Encoder our_encoder(tokenizer), their_encoder(theirs);
  GgufTrial trial{.pre = vocabulary.pre, .lines = static_cast<int64_t>(lines.size())};
  for (const std::string& line : lines) {
    const auto ours = our_encoder.encode(line), others = their_encoder.encode(line);
    trial.differing += ours != others;
    trial.tokens += static_cast<int64_t>(ours.size());
    trial.tokens_in_gguf += static_cast<int64_t>(others.size());
  }
  return trial;
}

GgufTrial choose_gguf_split(const Tokenizer& tokenizer, GgufVocabulary vocabulary, std::span<const std::string> lines) {
  std::optional<GgufTrial> best;
  const auto cost = [](const GgufTrial& t) { return std::tuple(t.differing, std::abs(t.tokens_in_gguf - t.tokens)); };
  for (const std::string_view pre : gguf_split_names()) {
    vocabulary.pre = pre;
    const GgufTrial trial = try_gguf(tokenizer, vocabulary, lines);
    if (!best || cost(trial) < cost(*best)) best = trial;
    if (best->differing == 0) break;
  }
  return *best;
}

}  // namespace maru::text
