#include "train/identity.h"

#include <fmt/format.h>

#include <array>

#include "base/json.h"
#include "base/system_error.h"
#include "base/temporary.h"

namespace maru::train {
namespace {

// Fields that say how often to look, not what to do: a resumed run may change them.
constexpr std::array<std::string_view, 2> kFreeToChange{"validation", "checkpoint"};

// Fields that are not written while they are empty may stand in either alone.
std::string first_difference(const Json& a, const Json& b, const std::string& path) {
  for (const auto& item : b.items())
    if (!a.contains(item.key())) return path + item.key();
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

// Which of its models is kept, and when it stops, is the run's, though it stands among them.
Json without_free_fields(Json recipe) {
  Json kept = Json::object();
  for (const char* key : {"keep_best", "patience"})
    if (recipe.contains("validation") && recipe["validation"].contains(key)) kept[key] = recipe["validation"][key];
  for (std::string_view key : kFreeToChange) recipe.erase(std::string(key));
  if (!kept.empty()) recipe["validation"] = kept;
  return recipe;
}

Json inputs_of(const ledger::Manifest& manifest) {
  Json inputs = Json::object();
  for (const ledger::ManifestInput& input : manifest.inputs) inputs[input.role] = input.sha256;
  return inputs;
}

/// What a run directory says it is; paths in the recipe are relative to `directory`.
struct Identity {
  Json recipe, inputs;
  fs::path directory;
};

std::optional<Json> object_at(const fs::path& file, std::string& why) {
  try {
    Json json = read_json(file);
    if (json.is_object()) return json;
    why = file.string() + ": expected an object";
  } catch (const Failure& e) {
    why = e.what();
  }
  return std::nullopt;
}

std::optional<ledger::Manifest> manifest_at(const fs::path& checkpoint) {
  try {
    return ledger::read_manifest(checkpoint);
  } catch (const Failure&) {
    return std::nullopt;  // whoever loads the checkpoint says so
  }
}

std::optional<Identity> stored_identity(const fs::path& run, const Warn& warn) {
  std::string why;
  auto recipe = object_at(run / "recipe.json", why), inputs = object_at(run / "inputs.json", why);
  if (recipe && inputs) return Identity{std::move(*recipe), std::move(*inputs), run};
  const std::vector<fs::path> checkpoints = list_checkpoints(run);
  for (auto at = checkpoints.rbegin(); at != checkpoints.rend(); ++at) {
    const std::optional<ledger::Manifest> manifest = manifest_at(*at);
    if (!manifest) continue;
    warn(fmt::format("{}; the run's recipe and inputs are taken from {}", why, at->string()));
    return Identity{manifest->recipe, inputs_of(*manifest), *at};
  }
  if (checkpoints.empty()) return std::nullopt;  // nothing was done yet that could be another run's
  throw Failure(ErrorCode::kDataLoss,
                fmt::format("{}, and no checkpoint of the run says what it was; give the new run another name", why));
}

void check_tokenizer(const TrainConfig& config, const ledger::ManifestInput& tokenizer) {
  for (const ledger::ManifestInput& input : ledger::read_manifest(config.tokens).inputs)
    if (input.role == "tokenizer" && input.sha256 != tokenizer.sha256)
      throw Failure(ErrorCode::kInvalidArgument,
                    fmt::format("{}: was packed with {}, not with {}", config.tokens, input.path, config.tokenizer));
}

// A run has one of its own files, or nothing but what a killed process was writing.
void require_run(const fs::path& run) {
  const fs::file_status status = fs::status(run);
  if (!fs::exists(status)) return;
  if (!fs::is_directory(status)) throw Failure(ErrorCode::kExists, run.string() + ": is no directory");
  for (const char* name : {"recipe.json", "inputs.json", "plan.json", "checkpoints"})
    if (fs::exists(run / name)) return;
  for (const fs::directory_entry& entry : fs::directory_iterator(run))
    if (!is_temporary(entry.path().filename().string()))
      throw Failure(ErrorCode::kExists,
                    run.string() + ": is a directory, but of no run; give the run another name, or move it away");
}

}  // namespace

ledger::Manifest run_manifest(const TrainConfig& config, const ledger::Place& place, std::string kind) {
  TrainConfig stored = config;
  for (std::string* path : {&stored.tokens, &stored.tokenizer, &stored.init_from})
    if (!path->empty()) *path = ledger::stored_path(*path, place);
  if (stored.distill) stored.distill->teacher = ledger::stored_path(stored.distill->teacher, place);
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
  if (config.distill) m.inputs.push_back(ledger::artefact_input("teacher", config.distill->teacher, place));
  return m;
}

std::optional<std::string> difference_from(const fs::path& run, const TrainConfig& config, const fs::path& home,
                                           const Warn& warn) {
  const std::optional<Identity> stored = stored_identity(run, warn);
  if (!stored) return std::nullopt;
  const ledger::Manifest now = run_manifest(config, {stored->directory, home}, "checkpoint");
  const Json recipe = without_free_fields(stored->recipe);
  if (std::string at = first_difference(without_free_fields(now.recipe), recipe, ""); !at.empty()) return at;
  if (std::string at = first_difference(inputs_of(now), stored->inputs, ""); !at.empty()) return "content of its " + at;
  return std::nullopt;
}

void claim_run(const fs::path& run, const TrainConfig& config, const fs::path& home, const Warn& warn) {
  require_run(run);
  std::error_code error;
  fs::create_directories(run, error);
  if (error) throw Failure(system_error(run, "create", error.value()));
  if (const auto difference = difference_from(run, config, home, warn))
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("{}: this run was started with another {}; give the new run another name or remove the "
                              "directory",
                              run.string(), *difference));
  const ledger::Manifest manifest = run_manifest(config, {run, home}, "checkpoint");
  write_json(run / "inputs.json", inputs_of(manifest));
  write_json(run / "recipe.json", manifest.recipe);
}

}  // namespace maru::train
