// Normalisers: what is done to a text before it is split, step by step. Immutable; cheap to copy; share between
// threads. Bytes that are not UTF-8 pass unchanged, but for SentencePiece's normaliser, which replaces them.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "text/tokenizer/tokenizer_spec.h"

namespace maru::text {

/// Where the results of steps lie; one per thread.
struct NormalizerScratch {
  std::string front, back;
};

class Normalizer {
 public:
  /// One step: `text` or what it becomes, in `storage`.
  class Step {
   public:
    virtual ~Step() = default;
    /// Clears `at_start` when the first character that is left is not the one that `text` begins with.
    virtual std::string_view apply(std::string_view text, std::string& storage, bool& at_start) const = 0;
  };

  /// Leaves every text as it is.
  Normalizer() = default;
  /// `where` names the list in errors.
  static Result<Normalizer> create(const std::vector<NormalizerStep>& steps, const std::string& where);
  bool empty() const { return steps_.empty(); }
  /// The normalised text: `text` itself or a view of the scratch, valid until its next use.
  ///
  /// Throws   kExhausted for texts above 1 GiB, when the text grows beyond measure, or when a pattern backtracks
  ///          beyond limits.
  std::string_view apply(std::string_view text, NormalizerScratch& scratch, bool& at_start) const;
  std::string operator()(std::string_view text) const;

 private:
  std::vector<std::shared_ptr<const Step>> steps_;
};

/// SentencePiece's own normaliser (sentencepiece_normalizer.cc).
Result<std::shared_ptr<const Normalizer::Step>> make_sentencepiece_step(const normalizers::SentencePiece& spec,
                                                                        const std::string& where);

}  // namespace maru::text
