#include "train/method.h"

#include <fmt/format.h>

#include "base/json.h"
#include "ledger/manifest.h"
#include "models/adapter_files.h"
#include "train/methods/methods.h"
#include "train/text_loader.h"

namespace maru::train {
namespace {

/// What token directories hold, and how they are made.
struct KindOfTokens {
  std::string_view note;   // of the manifest; empty: documents
  std::string_view words;  // "pairs of answers"
  std::string_view made_by;
};
constexpr KindOfTokens kDocuments{"", "documents or conversations", "maru data pack"};
constexpr KindOfTokens kPairs{"pairs", "pairs of answers", "maru data pack --preferences"};
constexpr KindOfTokens kLabelled{"labelled", "answers with labels", "maru data pack --preferences"};
constexpr KindOfTokens kPrompts{"prompts", "prompts", "maru data pack --prompts"};
constexpr KindOfTokens kTexts{"texts", "pairs of texts", "maru data pack --pairs"};
constexpr const KindOfTokens* kKinds[] = {&kPairs, &kLabelled, &kPrompts, &kTexts};

struct Entry {
  std::string_view name;
  const KindOfTokens& reads;
  Measure measure;
  std::unique_ptr<Method> (*make)(const MethodInputs&);  // null: it generates, and is made by tune
  Measure of_scores = {};                                // in its place where texts have scores
  bool encoders = false;                                 // it trains them, too
};
constexpr Entry kMethods[] = {
    {"", kDocuments, {"bits_per_byte", "bits per byte"}, make_next_token},
    {"distill", kDocuments, {"bits_per_byte", "bits per byte"}, make_distill},
    {"dpo", kPairs, {"accuracy", "of pairs told apart", true}, make_preference},
    {"kto", kLabelled, {"accuracy", "of answers told to be good or bad", true}, make_kto},
    {"orpo", kPairs, {"accuracy", "of pairs told apart", true}, make_orpo},
    {"cpo", kPairs, {"accuracy", "of pairs told apart", true}, make_cpo},
    {"reward", kPairs, {"accuracy", "of pairs told apart", true}, make_reward},
    {"embed",
     kTexts,
     {"accuracy", "of queries whose document is the closest", true},
     make_embed,
     {"spearman", "rank correlation", true},
     true},
    {"rank", kTexts, {"accuracy", "of queries whose document is the first", true}, make_rank, {}, true},
    {"grpo", kPrompts, {"reward", "reward", true}, nullptr},
};

const Entry& entry_of(const TrainConfig& config) {
  for (const Entry& entry : kMethods)
    if (entry.name == config.method) return entry;
  throw Failure(ErrorCode::kInvalidArgument, "recipe: method: unknown: " + config.method);
}

std::string name_of(const Entry& entry) { return entry.name.empty() ? "next_token" : std::string(entry.name); }

std::string readers_of(const KindOfTokens& kind) {
  std::string names;
  for (const Entry& entry : kMethods)
    if (&entry.reads == &kind) names += (names.empty() ? "" : ", ") + name_of(entry);
  return names;
}

const KindOfTokens& kind_of(const Json& notes) {
  for (const KindOfTokens* kind : kKinds)
    if (notes.is_object() && notes.contains(kind->note)) return *kind;
  return kDocuments;
}

}  // namespace

Measure measure_of(const TrainConfig& config) {
  const Entry& entry = entry_of(config);
  const bool scored = !entry.of_scores.name.empty() && text_form(config.tokens).scored;
  return scored ? entry.of_scores : entry.measure;
}

void check_kind_of_tokens(const TrainConfig& config) {
  const Entry& method = entry_of(config);
  const KindOfTokens& kind = kind_of(ledger::read_manifest(config.tokens).notes);
  if (&kind == &method.reads) return;
  throw Failure(
      ErrorCode::kInvalidArgument,
      fmt::format("{}: holds {}, which are learnt from with method={}; method={} learns from {} ({})", config.tokens,
                  kind.words, readers_of(kind), name_of(method), method.reads.words, method.reads.made_by));
}

void Method::save(const fs::path& directory, const ResultFiles& files) {
  if (in_.adapter != nullptr) return save_adapter(*in_.model, *in_.adapter, *in_.config.lora, files.base, directory);
  in_.model->save(directory);
  write_json(directory / "generation_config.json", files.generation_config);
}

std::unique_ptr<Method> make_method(const MethodInputs& inputs) {
  const Entry& entry = entry_of(inputs.config);
  if (entry.make == nullptr)
    throw Failure(ErrorCode::kUnimplemented, fmt::format("method {} generates: nothing here does", entry.name));
  if (inputs.model == nullptr && !entry.encoders)
    throw Failure(ErrorCode::kUnimplemented, fmt::format("{}: is an encoder, which method={} cannot train",
                                                         inputs.config.init_from, name_of(entry)));
  return entry.make(inputs);
}

}  // namespace maru::train
