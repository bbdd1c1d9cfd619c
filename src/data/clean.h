// The steps that look at one document alone: read, extract, normalise, language, quality, personal data. A pure
// function of the item and the configuration, so documents can be cleaned on any thread in any order.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "data/encoding.h"
#include "data/pii.h"
#include "data/quality.h"
#include "data/report.h"
#include "data/source.h"
#include "text/langid/langid.h"

namespace maru::data {

/// Thread-safe.
using IdentifyLanguage = std::function<text::LanguageGuess(std::string_view)>;

struct LanguageConfig {
  std::vector<std::string> keep;
  double min_probability = 0.5;
  static constexpr auto fields() {
    return std::tuple{
        field("keep", &LanguageConfig::keep, "ISO 639 codes; empty: all languages"),
        field("min_probability", &LanguageConfig::min_probability, "of the identified language").range(0, 1)};
  }
};

struct CleanConfig {
  std::vector<InputConfig> inputs;
  bool skip_malformed = false;
  int64_t max_file_bytes = 64 << 20;
  double max_undecodable = kMaxReplaced;
  LanguageConfig language;
  QualityConfig quality;
  PiiConfig pii;
};

/// What happened to one item. Exactly one of: `error` is set, `reason` is set (dropped at `ended_at`), or it was kept.
struct CleanResult {
  std::string text, language;
  Step ended_at = Step::kPii;
  std::string reason;
  std::string extension;                             // of a file of unknown format
  std::vector<std::pair<uint64_t, uint64_t>> bytes;  // in and out of each step passed
  uint64_t bytes_into_end = 0;                       // when dropped: bytes that came into the step `ended_at`
  struct Change {
    Step step;
    std::string what;
    int64_t times;
  };
  std::vector<Change> changes;
  std::optional<Error> error;  // ends the build: malformed input that the recipe does not allow to skip
};

CleanResult clean_item(const RawItem& item, const CleanConfig& config, const IdentifyLanguage& identify);

}  // namespace maru::data
