// Recipes from hostile hands: YAML within its bounds, then as the configuration of curation and of a training run. What
// is read can be written and read again.
#include "base/json.h"
#include "data/build.h"
#include "train/config.h"

namespace maru {
namespace {

void require(bool holds) {
  if (!holds) __builtin_trap();
}

template <class Config>
void read_as(const Json& recipe) {
  try {
    const Json written = to_json(from_json<Config>(recipe, "recipe.yaml"));
    require(to_json(from_json<Config>(written, "again")) == written);
  } catch (const Failure&) {  // refused with a message: what it should do
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Result<Json> recipe = parse_yaml({reinterpret_cast<const char*>(data), size}, "recipe.yaml");
  if (!recipe.ok()) return 0;
  read_as<data::BuildConfig>(recipe.value());
  read_as<train::TrainConfig>(recipe.value());
  return 0;
}

}  // namespace maru
