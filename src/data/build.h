// `maru data build`: from a recipe and its input files to a dataset directory (train.jsonl.zst, held_out.jsonl.zst,
// report.json, report.txt, manifest.json). The directory appears whole or not at all; the result depends on the recipe
// and the inputs only, never on the number of threads. Memory: about 50 bytes per document that survives the filters,
// 8 more for each thread beyond the second while near-duplicates are searched, and a batch of raw documents; disk: the
// cleaned text once, uncompressed, and some 600 bytes per document, until the end.
#pragma once
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/thread_pool.h"
#include "base/watch.h"
#include "data/clean.h"
#include "data/duplicates.h"
#include "ledger/manifest.h"

namespace maru::data {

struct SplitConfig {
  double held_out = 0.05;
  static constexpr auto fields() {
    return std::tuple{
        field("held_out", &SplitConfig::held_out, "fraction of documents kept from training").range(0, 0.9)};
  }
};

struct BuildConfig {
  std::vector<InputConfig> inputs;
  uint64_t seed = 1;
  bool skip_malformed = false;
  int64_t max_file_bytes = 64 << 20;
  double max_undecodable = kMaxReplaced;
  LanguageConfig language;
  QualityConfig quality;
  PiiConfig pii;
  DuplicateConfig duplicates;
  SplitConfig split;
  static constexpr auto fields() {
    return std::tuple{
        field("inputs", &BuildConfig::inputs, "what to read, in this order"),
        field("seed", &BuildConfig::seed, "of the split and of MinHash"),
        field("skip_malformed", &BuildConfig::skip_malformed, "count broken lines and files instead of stopping"),
        field("max_file_bytes", &BuildConfig::max_file_bytes, "larger files are skipped (JSONL may be of any size)")
            .range(1, 1 << 30),
        field("max_undecodable", &BuildConfig::max_undecodable,
              "share of a text's characters that bytes without a meaning may be; each becomes U+FFFD and is counted")
            .range(0, 1),
        field("language", &BuildConfig::language, "which languages to keep"),
        field("quality", &BuildConfig::quality, "quality filters"),
        field("pii", &BuildConfig::pii, "redaction of personal data"),
        field("duplicates", &BuildConfig::duplicates, "exact and near-duplicates"),
        field("split", &BuildConfig::split, "training and held-out documents")};
  }
};

struct BuildOptions {
  fs::path output;            // datasets/NAME
  fs::path home;              // paths below it are stored relative; may be empty
  IdentifyLanguage identify;  // default: the built-in identifier
  ledger::FileHasher hasher;  // default: sha256_file; a HashCache for `maru up`
  bool force = false;         // build even if the dataset is current
  Watch watch;
};

struct BuildResult {
  Json report;           // contents of report.json
  bool skipped = false;  // the dataset was there already, made from the same inputs by the same recipe
};

/// Throws   kInvalidArgument for an empty corpus (saying what dropped how much) and for malformed input (naming file
///          and line), kNotFound for missing inputs, kExhausted for a full disk, kCancelled after Ctrl-C. In every case
///          the dataset that was there before is untouched.
BuildResult build_dataset(const BuildConfig& config, const BuildOptions& options, ThreadPool& pool);

}  // namespace maru::data
