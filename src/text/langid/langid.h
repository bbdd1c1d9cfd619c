// Which language a text is written in: a small linear model over character n-grams, one per script.
//
// The probability of a language is the sum over scripts of (share of the text in the script) × (probability by that
// script's model); a script that only one known language uses needs no model. How the shipped file was trained and how
// well it does: docs/langid.md. Immutable after construction: safe to share between threads, cheap to copy.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "text/langid/features.h"

namespace maru::text {

inline constexpr uint32_t kLangidFormat = 1;
/// What identify() answers when a text has no letters, is mostly in unknown scripts, or is in no language of the model.
inline constexpr std::string_view kUndetermined = "und";
/// The answer that a label of the model stands for: labels "und" and "und-…" are groups of languages that are known
/// only as none of the others, and all answer "und".
inline std::string_view answer_of(std::string_view label) {
  return label == kUndetermined || label.starts_with("und-") ? kUndetermined : label;
}

/// One script's model: logits = bias + scale · Σ weights[row of n-gram] / √letters.
struct ScriptModel {
  Script script = kNoScript;
  std::vector<uint16_t> languages;  // indices into LangidModel::languages, ascending
  std::vector<float> bias, scale;   // per language
  std::vector<uint32_t> keys;       // n-gram hashes, ascending
  std::vector<int8_t> weights;      // keys × languages
};

/// The content of a model file.
struct LangidModel {
  std::vector<std::string> languages;  // ISO 639 codes and groups ("und-…"), ascending
  std::vector<ScriptModel> scripts;
};

struct LanguageGuess {
  std::string language;
  double probability = 0;
};

class LanguageIdentifier {
 public:
  explicit LanguageIdentifier(LangidModel model);
  /// Reads what serialise() wrote. `name` stands in the errors. Takes no memory that the bytes do not justify.
  static Result<LanguageIdentifier> parse(std::string_view bytes, std::string_view name);
  /// Throws kNotFound, or kDataLoss when the file is truncated or corrupt.
  static LanguageIdentifier load(const fs::path& path);
  /// The model inside this program. Cost: a few milliseconds and 2 MB per call; keep the value.
  static LanguageIdentifier builtin();
  /// Types: little-endian; see docs/langid.md for the layout.
  std::string serialise() const;

  /// The most probable language; "und" with its probability for a language that is none of the model's, and with 0 for
  /// a text without letters of any known script. Types: any bytes. Cost: linear up to 16 KiB; of longer texts 16
  /// windows of 1 KiB at equal distances are read.
  LanguageGuess identify(std::string_view text) const;
  /// All languages whose probability is not zero and "und" likewise, best first; empty when there is nothing to go by.
  std::vector<LanguageGuess> rank(std::string_view text) const;
  /// Probabilities in the order of languages(), without sampling long texts. What they lack to 1 is the share of
  /// unknown scripts. All zero when there is nothing to go by.
  std::vector<double> probabilities(std::string_view text) const;
  const std::vector<std::string>& languages() const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace maru::text
