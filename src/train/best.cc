#include "train/best.h"

#include <array>
#include <cmath>

#include "base/json.h"
#include "base/json_node.h"
#include "ledger/artefact_writer.h"

namespace maru::train {
namespace {

constexpr const char* kFigures = "validation.json";
constexpr std::array<const char*, 2> kFiles{"model.safetensors", kFigures};

fs::path place_of(const fs::path& run) { return run / "best"; }

}  // namespace

bool take_validation(const Measure& measure, int64_t step, const Figures& figures,
                     std::optional<BestValidation>& best) {
  const auto figure = figures.find(std::string(measure.name));
  if (figure == figures.end()) return false;
  const double value = figure->second;
  const auto gains = [&](double than) { return measure.more_is_better ? value > than : value < than; };
  if (!std::isfinite(value) || (best && !gains(best->value))) {
    if (best) ++best->since;
    return false;
  }
  best = {.step = step, .since = 0, .value = value};
  return true;
}

void save_best(const fs::path& run, Model& model, const Figures& figures, ledger::Manifest manifest) {
  ledger::ArtefactWriter writer(place_of(run));
  model.save(writer.directory());
  write_json(writer.directory() / kFigures, Json(figures));
  writer.commit(std::move(manifest));
}

Figures load_best(const fs::path& run, Model& model) {
  const fs::path place = place_of(run);
  check_checkpoint(place, kFiles);
  model.load(place);
  const Json json = read_json(place / kFigures);
  Figures figures;
  for (const auto& [name, value] : JsonNode(json, (place / kFigures).string()).members())
    figures[name] = value.number();
  return figures;
}

}  // namespace maru::train
