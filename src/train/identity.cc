#include "train/identity.h"

#include <fmt/format.h>

#include <array>

#include "base/json.h"

namespace maru::train {
namespace {

// Fields that say how often to look, not what to do: a resumed run may change them.
constexpr std::array<std::string_view, 2> kFreeToChange{"validation", "checkpoint"};

std::string first_difference(const Json& a, const Json& b, const std::string& path) {
  for (const auto& item : a.items()) {
    const std::string at = path + item.key();
    if (!b.contains(item.key())) return at;
    if (item.value().is_object()) {
      if (std::string inner = first_difference(item.value(), b[item.key()], at + "."); !inner.empty()) return inner;
    } else if (item.value() != b[item.key()]) {
      return at;
    }
  }
  return "";
}

Json without_free_fields(Json recipe) {
  for (std::string_view key : kFreeToChange) recipe.erase(std::string(key));
  return recipe;
}

Json inputs_of(const ledger::Manifest& manifest) {
  Json inputs = Json::object();
  for (const ledger::ManifestInput& input : manifest.inputs) inputs[input.role] = input.sha256;
  return inputs;
}

void check_tokenizer(const TrainConfig& config, const ledger::ManifestInput& tokenizer) {
  for (const ledger::ManifestInput& input : ledger::read_manifest(config.tokens).inputs)
    if (input.role == "tokenizer" && input.sha256 != tokenizer.sha256)
      throw Failure(ErrorCode::kInvalidArgument,
                    fmt::format("{}: was packed with {}, not with {}", config.tokens, input.path, config.tokenizer));
}

}  // namespace

ledger::Manifest run_manifest(const TrainConfig& config, const ledger::Place& place, std::string kind) {
  TrainConfig stored = config;
  for (std::string* path : {&stored.tokens, &stored.tokenizer, &stored.init_from})
    if (!path->empty()) *path = ledger::stored_path(*path, place);
  ledger::Manifest m;
  m.kind = std::move(kind);
  m.name = config.name;
  m.seed = static_cast<uint64_t>(config.seed);
  m.recipe = to_json(stored);
  m.inputs.push_back(ledger::artefact_input("tokens", config.tokens, place));
  if (!config.tokenizer.empty()) {
    m.inputs.push_back(ledger::artefact_input("tokenizer", config.tokenizer, place));
    check_tokenizer(config, m.inputs.back());
  }
  if (!config.init_from.empty()) m.inputs.push_back(ledger::artefact_input("model", config.init_from, place));
  return m;
}

std::optional<std::string> difference_from(const fs::path& run, const TrainConfig& config, const fs::path& home) {
  if (!fs::exists(run / "recipe.json") || !fs::exists(run / "inputs.json")) return std::nullopt;
  const ledger::Manifest now = run_manifest(config, {run, home}, "checkpoint");
  const Json recipe = without_free_fields(read_json(run / "recipe.json"));
  if (std::string at = first_difference(without_free_fields(now.recipe), recipe, ""); !at.empty()) return at;
  if (std::string at = first_difference(inputs_of(now), read_json(run / "inputs.json"), ""); !at.empty())
    return "content of its " + at;
  return std::nullopt;
}

void claim_run(const fs::path& run, const TrainConfig& config, const fs::path& home) {
  fs::create_directories(run);
  if (const auto difference = difference_from(run, config, home))
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("{}: this run was started with another {}; give the new run another name or remove the "
                              "directory",
                              run.string(), *difference));
  const ledger::Manifest manifest = run_manifest(config, {run, home}, "checkpoint");
  write_json(run / "inputs.json", inputs_of(manifest));
  write_json(run / "recipe.json", manifest.recipe);
}

}  // namespace maru::train
