#include "train/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/hash.h"
#include "base/json.h"
#include "ledger/artefact_writer.h"
#include "models/tensor_files.h"

namespace maru::train {
namespace {

constexpr std::string_view kStep = "step-";
constexpr const char* kOptimizer = "optimizer.safetensors";
constexpr const char* kMethod = "method.safetensors";
constexpr std::array<const char*, 3> kFiles{"model.safetensors", kOptimizer, "state.json"};
constexpr std::array<const char*, 1> kMethodFiles{kMethod};

ledger::Manifest manifest_of(const fs::path& checkpoint) {
  const fs::path path = checkpoint / ledger::kManifestName;
  Result<ledger::Manifest> manifest = ledger::parse_manifest(read_file(path), path.string());
  if (!manifest.ok()) throw Failure(ErrorCode::kDataLoss, manifest.error().message + ": the checkpoint is damaged");
  return std::move(manifest).value();
}

// What another try cannot mend. A file that may not be read, or too many open ones, says nothing about the checkpoint.
bool is_damage(ErrorCode code) { return code == ErrorCode::kDataLoss || code == ErrorCode::kNotFound; }

std::optional<int64_t> step_of(std::string_view name) {
  if (!name.starts_with(kStep)) return std::nullopt;
  int64_t step = 0;
  const char* const last = name.data() + name.size();
  const auto [end, error] = std::from_chars(name.data() + kStep.size(), last, step);
  return error == std::errc() && end == last ? std::optional(step) : std::nullopt;
}

void set_aside(const fs::path& checkpoint) {
  const fs::path aside = checkpoint.parent_path() / ("damaged-" + checkpoint.filename().string());
  fs::remove_all(aside);  // an earlier one of the same step, damaged as well
  fs::rename(checkpoint, aside);
}

}  // namespace

// A flipped bit in a weight would not show in any length: every file is compared with its hash before it is believed.
void check_checkpoint(const fs::path& checkpoint, std::span<const char* const> names) {
  const ledger::Manifest manifest = manifest_of(checkpoint);
  for (const ledger::ManifestFile& file : manifest.files) {
    const fs::path path = checkpoint / file.path;
    if (const std::string hash = sha256_file(path); hash != file.sha256)
      throw Failure(ErrorCode::kDataLoss, fmt::format("{}: SHA-256 is {}, expected {}: the checkpoint is damaged",
                                                      path.string(), hash, file.sha256));
  }
  for (const char* name : names)
    if (std::none_of(manifest.files.begin(), manifest.files.end(), [&](const auto& file) { return file.path == name; }))
      throw Failure(ErrorCode::kDataLoss, fmt::format("{}: {} is not in its manifest", checkpoint.string(), name));
}

std::vector<fs::path> list_checkpoints(const fs::path& run) {
  std::vector<std::pair<int64_t, fs::path>> found;
  if (!fs::exists(run / "checkpoints")) return {};
  for (const fs::directory_entry& entry : fs::directory_iterator(run / "checkpoints"))
    if (const auto step = step_of(entry.path().filename().string()); step && entry.is_directory())
      found.emplace_back(*step, entry.path());
  std::sort(found.begin(), found.end());
  std::vector<fs::path> paths;
  for (auto& [step, path] : found) paths.push_back(std::move(path));
  return paths;
}

void save_checkpoint(const fs::path& run, const RunState& state, Model& model, const Optimizer& optimizer,
                     ledger::Manifest manifest, int64_t keep, const std::vector<NamedTensor>& method) {
  ledger::ArtefactWriter writer(run / "checkpoints" / fmt::format("step-{:08}", state.step));
  model.save(writer.directory());
  save_tensors(writer.directory() / kOptimizer, optimizer.state());
  if (!method.empty()) save_tensors(writer.directory() / kMethod, method);
  write_json(writer.directory() / "state.json", to_json(state));
  writer.commit(std::move(manifest));
  std::vector<fs::path> all = list_checkpoints(run);
  for (size_t i = 0; i + static_cast<size_t>(keep) < all.size(); ++i) fs::remove_all(all[i]);
}

RunState load_checkpoint(const fs::path& checkpoint, Model& model, Optimizer& optimizer,
                         const std::vector<NamedTensor>& method) {
  check_checkpoint(checkpoint, kFiles);
  if (!method.empty()) check_checkpoint(checkpoint, kMethodFiles);
  const fs::path path = checkpoint / "state.json";
  const RunState state = from_json<RunState>(read_json(path), path.string());
  model.load(checkpoint);
  load_tensors(checkpoint / kOptimizer, optimizer.state());
  if (!method.empty()) load_tensors(checkpoint / kMethod, method);
  return state;
}

std::optional<RunState> restore_newest(const fs::path& run, Model& model, Optimizer& optimizer, const Warn& warn,
                                       const std::vector<NamedTensor>& method) {
  const std::vector<fs::path> all = list_checkpoints(run);
  std::vector<std::pair<fs::path, Error>> damaged;  // newest first
  for (auto checkpoint = all.rbegin(); checkpoint != all.rend(); ++checkpoint) {
    try {
      const RunState state = load_checkpoint(*checkpoint, model, optimizer, method);
      for (const auto& [path, error] : damaged) {
        set_aside(path);
        warn(fmt::format("{}; {} is now damaged-{}, remove it when you like", error.message, path.string(),
                         path.filename().string()));
      }
      if (!damaged.empty())
        warn(fmt::format("going on from {}: the work behind step {} is lost and done again, up to step {} at least",
                         checkpoint->string(), state.step, *step_of(damaged[0].first.filename().string())));
      return state;
    } catch (const Failure& e) {
      if (!is_damage(e.code())) throw;
      damaged.emplace_back(*checkpoint, e.error());
    }
  }
  if (all.empty()) return std::nullopt;
  throw Failure(ErrorCode::kDataLoss,
                fmt::format("{}: none of its {} checkpoints can be read, the newest because of {}; to train from the "
                            "beginning, remove {}",
                            run.string(), all.size(), damaged[0].second.message, (run / "checkpoints").string()));
}

}  // namespace maru::train
