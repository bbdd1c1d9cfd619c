// Splits a text into the pieces that a subword model sees: steps, each applied to the pieces of the one before. Most
// only split, so that together the pieces are the text; some also rewrite it (Metaspace, ByteLevel). Immutable; cheap
// to copy; share between threads.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "text/tokenizer/regex.h"
#include "text/tokenizer/scanner.h"
#include "text/tokenizer/tokenizer_spec.h"
#include "text/unicode/piece_sink.h"

namespace maru::text {

/// A part of a text, and whether it begins where the caller's text does.
struct Section {
  std::string_view text;
  bool at_start = true;
};

/// What one thread needs for steps that rewrite.
struct PreTokenizerScratch {
  std::vector<std::string> buffers;  // one per step
};

class PreTokenizer {
 public:
  /// One step. Rewritten text lies in `buffer` until the step is done.
  class Step {
   public:
    virtual ~Step() = default;
    virtual void run(Section section, std::string& buffer, SinkOf<Section> sink) const = 0;
  };

  /// No step: the whole text is one piece.
  PreTokenizer() = default;
  /// Patterns whose matches and gaps become pieces. `where` names their list in errors.
  static Result<PreTokenizer> create(const std::vector<std::string>& patterns, const std::string& where);
  /// With `byte_level`, ByteLevel steps leave bytes as they are, since the model counts in bytes.
  static Result<PreTokenizer> create(const std::vector<PreTokenizerStep>& steps, bool byte_level,
                                     const std::string& where);

  /// Whether pieces are views of the text, so that split() without scratch gives them.
  bool in_place() const { return steps_.empty(); }
  void split(std::string_view text, PieceSink sink) const { split_from(0, text, sink); }
  void split(Section section, PreTokenizerScratch& scratch, PieceSink sink) const;

 private:
  class Builder;
  void split_from(size_t stage, std::string_view text, PieceSink sink) const;
  void run_from(size_t step, Section section, PreTokenizerScratch& scratch, PieceSink sink) const;
  std::vector<std::variant<Scanner, Regex>> stages_;  // used while all steps are of this kind …
  std::vector<std::shared_ptr<const Step>> steps_;    // … else these
};

}  // namespace maru::text
