// A text encoder's directory made ready: weights, tokenizer, and how texts become what the model reads. What
// `maru embed` and `maru rerank` share with a server. Owned by one thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "infer/encoder_runner.h"
#include "text/tokenizer/token_encoder.h"

namespace maru::infer {

struct EncoderLoadOptions {
  std::optional<Dtype> dtype;  // none: the model's own
  int64_t batch_tokens = 4096;
};

/// What becomes of a text that is too long.
enum class Truncation : uint8_t {
  kEnd,    // it loses its end
  kStart,  // its beginning
  kNone,   // it is refused
};

struct TextPair {
  std::string first, second;  // a query and a passage, for a reranker
};

class LoadedEncoder {
 public:
  /// Throws what SentenceEncoder::load and text::load_tokenizer throw; kInvalidArgument when the tokenizer has more
  /// tokens than the model.
  LoadedEncoder(const fs::path& directory, Device& device, const EncoderLoadOptions& options = {});
  LoadedEncoder(const LoadedEncoder&) = delete;

  /// What the model reads: the text with the tokenizer's special tokens around it, cut at its end to max_tokens.
  ///
  /// Throws   kInvalidArgument with kNone, naming both lengths.
  EncoderInput input_of(std::string_view text, Truncation truncation = Truncation::kEnd);
  /// The same of two texts: when they are too long together, the longer one is cut first.
  EncoderInput input_of(const TextPair& pair);
  /// What the model's files put before texts of this kind; "" asks for the default, which may be nothing.
  ///
  /// Throws   kNotFound naming the prompts there are.
  std::string prompt(const std::string& name) const;

  SentenceEncoder& model() { return model_; }
  EncoderRunner& runner() { return runner_; }
  /// The directory's name.
  const std::string& name() const { return name_; }

 private:
  std::vector<int32_t> tokens_of(std::string_view text);
  std::string name_;
  SentenceEncoder model_;
  text::Tokenizer tokenizer_;
  text::TokenEncoder encoder_;
  EncoderRunner runner_;
};

/// How many tokens of each of two texts remain when only `room` fit: the longer one loses first, then both.
struct PairLengths {
  size_t first, second;
};
PairLengths fit_pair(size_t first, size_t second, size_t room);

}  // namespace maru::infer
