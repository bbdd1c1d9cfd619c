#include "train/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/hash.h"
#include "base/json.h"
#include "formats/safetensors.h"
#include "ledger/artefact_writer.h"
#include "models/checkpoint.h"

namespace maru::train {
namespace {

void save_optimizer(const fs::path& file, const Optimizer& optimizer) {
  std::vector<SafetensorsItem> items;
  for (const StateTensor& s : optimizer.state())
    items.push_back(
        {s.name, "F32", {s.tensor.rows(), s.tensor.cols()}, {s.tensor.data<std::byte>(), s.tensor.bytes()}});
  write_safetensors(file, items);
}

void load_optimizer(const fs::path& path, Optimizer& optimizer) {
  const SafetensorsFile file = SafetensorsFile::open(path).value();
  for (const StateTensor& s : optimizer.state()) {
    const auto it = file.entries().find(s.name);
    if (it == file.entries().end() || it->second.bytes.size() != s.tensor.bytes())
      throw Failure(ErrorCode::kDataLoss,
                    fmt::format("{}: tensor {}: expected {} bytes of f32", path.string(), s.name, s.tensor.bytes()));
    std::memcpy(s.tensor.data<std::byte>(), it->second.bytes.data(), s.tensor.bytes());
  }
}

// A flipped bit in a weight would not show in any length: every file is compared with its hash before it is believed.
void check_files(const fs::path& checkpoint) {
  for (const ledger::ManifestFile& file : ledger::read_manifest(checkpoint).files) {
    const fs::path path = checkpoint / file.path;
    if (const std::string hash = sha256_file(path); hash != file.sha256)
      throw Failure(ErrorCode::kDataLoss, fmt::format("{}: SHA-256 is {}, expected {}: the checkpoint is damaged",
                                                      path.string(), hash, file.sha256));
  }
}

}  // namespace

std::vector<fs::path> list_checkpoints(const fs::path& run) {
  std::vector<fs::path> found;
  if (!fs::exists(run / "checkpoints")) return found;
  for (const fs::directory_entry& entry : fs::directory_iterator(run / "checkpoints")) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("step-") && name.find(".tmp-") == std::string::npos &&
        fs::exists(entry.path() / ledger::kManifestName))
      found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

void save_checkpoint(const fs::path& run, const RunState& state, Decoder& model, const Optimizer& optimizer,
                     ledger::Manifest manifest, int64_t keep) {
  ledger::ArtefactWriter writer(run / "checkpoints" / fmt::format("step-{:08}", state.step));
  save_model(model, writer.directory());
  save_optimizer(writer.directory() / "optimizer.safetensors", optimizer);
  write_json(writer.directory() / "state.json", to_json(state));
  writer.commit(std::move(manifest));
  std::vector<fs::path> all = list_checkpoints(run);
  for (size_t i = 0; i + static_cast<size_t>(keep) < all.size(); ++i) fs::remove_all(all[i]);
}

RunState load_checkpoint(const fs::path& checkpoint, Decoder& model, Optimizer& optimizer) {
  check_files(checkpoint);
  const fs::path path = checkpoint / "state.json";
  const RunState state = from_json<RunState>(read_json(path), path.string());
  load_values(model, checkpoint);
  load_optimizer(checkpoint / "optimizer.safetensors", optimizer);
  return state;
}

}  // namespace maru::train
