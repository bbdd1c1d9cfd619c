// The layout of a home, said in this one place:
//
//   datasets/NAME/              text, curated; in it tokens-TOKENIZER/, packed for training
//   tokenizers/NAME/
//   models/NAME/                in it evaluation/ and evaluation-ADAPTER/
//   adapters/NAME/
//   runs/NAME/                  recipe.json, inputs.json, plan.json, metrics.jsonl, report.html, checkpoints/step-N/
//   cache/hashes.json           what raw files hash to
//   keys.json                   API keys of its server, beside those of the database
//   platform/                   its database, repositories and jobs (platform/): truth of its own, no artefacts
//   signing/                    the key that signs, and those that are trusted (ledger/signing_keys.h)
//   corpus/debian-ko/           the sample of `maru up`; beside it chats-ko.jsonl, questions and answers about it
//
// Each directory with a manifest is an artefact (ledger/manifest.h). A home has no mark of its own: a change of this
// layout needs one, so that older homes are told apart.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"

namespace maru::catalogue {

/// What a home keeps by name.
enum class Kind : uint8_t { kDataset, kTokenizer, kModel, kAdapter, kRun };

inline constexpr std::array kKinds{Kind::kDataset, Kind::kTokenizer, Kind::kModel, Kind::kAdapter, Kind::kRun};

/// "datasets", "tokenizers", … : the folder, and the word for several of them.
constexpr std::string_view folder_of(Kind kind) {
  constexpr std::array<std::string_view, kKinds.size()> kFolders{"datasets", "tokenizers", "models", "adapters",
                                                                 "runs"};
  return kFolders[static_cast<size_t>(kind)];
}
/// The kind that lies in this folder.
std::optional<Kind> kind_of_folder(std::string_view folder);

inline constexpr std::string_view kCacheFolder = "cache", kCorpusFolder = "corpus";
inline constexpr std::string_view kCheckpointsFolder = "checkpoints";  // of a run
inline constexpr std::string_view kBestFolder = "best";                // of its validations
inline constexpr std::string_view kTokensPrefix = "tokens-";           // of a dataset's folders
inline constexpr std::string_view kEvaluation = "evaluation";          // of a model's folder, and before "-ADAPTER"

inline constexpr std::string_view kKeysFile = "keys.json";       // of the server of a home
inline constexpr std::string_view kPlatformFolder = "platform";  // likewise

/// Files that a run keeps beside its checkpoints.
inline constexpr std::string_view kRunRecipe = "recipe.json", kRunInputs = "inputs.json", kRunPlan = "plan.json",
                                  kRunMetrics = "metrics.jsonl", kRunReport = "report.html",
                                  kRunSamples = "samples.jsonl", kRunComparison = "comparison.json";

inline constexpr std::string_view kDatasetReport = "report.json";  // what curation did

/// The split of a dataset, "train" or "held_out", as a file.
inline fs::path split_file(const fs::path& dataset, std::string_view split) {
  return dataset / (std::string(split) + ".jsonl.zst");
}
/// What a model's evaluation, one of its folders, says.
inline fs::path evaluation_file(const fs::path& evaluation) { return evaluation / "evaluation.json"; }

/// The last part of a path, with or without a '/' at its end.
std::string directory_name(const fs::path& path);

}  // namespace maru::catalogue
