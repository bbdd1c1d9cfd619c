#include "pipeline/merge.h"

#include <algorithm>

#include "base/json.h"
#include "base/progress.h"
#include "catalogue/adapter.h"
#include "formats/integer_weight.h"
#include "formats/lora.h"
#include "ledger/artefact_writer.h"
#include "models/adapter.h"
#include "models/model_files.h"
#include "models/quantize.h"
#include "models/quantized_files.h"
#include "pipeline/inspect.h"
#include "pipeline/measured_text.h"
#include "pipeline/origin.h"
#include "text/tokenizer/files/load_tokenizer.h"
#include "train/validate.h"

namespace maru::pipeline {
namespace {

// Of a directory; nothing for a file, which says what it is itself.
Json read_config(const fs::path& model) {
  const fs::path file = model / "config.json";
  const Json config = fs::exists(file) ? read_json(file) : Json::object();
  return config.is_object() ? config : Json::object();
}

fs::path adapter_directory(const catalogue::Home& home, const std::string& name) {
  if (const auto registered = catalogue::adapter_named(home, name)) return *registered;
  return home.find(Kind::kModel, name);
}

ledger::Manifest manifest_of(const Workplace& at, const MergeConfig& a, const fs::path& model, const fs::path& adapter,
                             const fs::path& out) {
  ledger::Manifest manifest{.kind = "model", .name = catalogue::directory_name(out)};
  manifest.recipe = {{"verb", "merge"}};
  if (!a.to.empty()) manifest.recipe["to"] = a.to;
  add_origin(at, manifest, "model", model, model, out);
  add_origin(at, manifest, "adapter", adapter, adapter / catalogue::kAdapterWeights, out);
  return manifest;
}

int64_t bits_of_stored(const Json& config, const fs::path& model) {
  const auto stored = formats::quantization_config(config, (model / "config.json").string());
  return stored ? stored->bits : 16;
}

/// A quantized model, to be merged with.
struct Quantized {
  const fs::path &model, &adapter;
  Json config;
};

// Rounded again, unless it is to be plain.
void write_merged(const Workplace& at, const std::string& to, Json config, Decoder& model, const fs::path& directory) {
  config.erase("quantization_config");
  const auto is_head = [](const Parameter* p) { return p->name == "lm_head.weight"; };
  if (std::ranges::any_of(model.parameters(), is_head)) config["tie_word_embeddings"] = false;  // it has its own now
  if (to != "bf16") {
    const QuantizedKind kind = to == "int8" ? QuantizedKind::kInt8 : QuantizedKind::kInt4;
    quantize_weights(at.machine.device(), model, kind);
    config["quantization_config"] = quantization_json(kind, QuantizedKind::kInt8, "none");
  }
  save_weights(model, directory / "model.safetensors");
  write_json(directory / "config.json", config);
}

MergeResult merge_quantized(const Workplace& at, MergeConfig a, const Quantized& from, const fs::path& out) {
  Device& device = at.machine.device();
  ledger::ArtefactWriter writer(out);
  if (a.to.empty()) a.to = bits_of_stored(from.config, from.model) <= 4 ? "int4" : "int8";
  const auto model = load_for_serving(device.host(), from.model, Dtype::kBf16);
  Adapter adapter(device, *model, from.adapter);
  const MeasuredText text = measured_text(at, {.text = a.text, .of = from.adapter}, text::load_tokenizer(from.model),
                                          measured_window(*model));
  MergeResult result{.path = out, .tensors = static_cast<int64_t>(adapter.size()), .to = a.to};
  if (text.tokens > 0) result.cost.emplace(QuantizeCost{.text = text.on, .tokens = text.tokens});
  if (result.cost) result.cost->before = bits_per_byte(at, *model, text, &adapter);
  dequantize_weights(device, *model);
  merge_adapter(device, *model, adapter);
  write_merged(at, a.to, from.config, *model, writer.directory());
  if (result.cost) result.cost->after = bits_per_byte(at, *model, text);
  copy_beside(from.model, writer.directory());
  ledger::Manifest manifest = manifest_of(at, a, from.model, from.adapter, out);
  if (result.cost)
    manifest.notes = {{"bits_per_byte_beside", train::number_or_null(result.cost->before)},
                      {"bits_per_byte_merged", train::number_or_null(result.cost->after)}};
  writer.commit(std::move(manifest));
  return result;
}

}  // namespace

MergeResult merge(const Workplace& at, const MergeConfig& a) {
  const fs::path out = at.home.new_place(Kind::kModel, a.out, a.force);
  const fs::path model = at.home.find(Kind::kModel, a.model), directory = adapter_directory(at.home, a.adapter);
  warn_of_another_base(at, directory, {model});
  if (const Json config = read_config(model); config.contains("quantization_config"))
    return merge_quantized(at, a, {model, directory, config}, out);
  if (!a.to.empty() || !a.text.empty())
    throw Failure(ErrorCode::kInvalidArgument,
                  model.string() + ": is not quantized: --to and --text are of those that are");
  ledger::ArtefactWriter writer(out);
  const formats::LoraAdapter adapter(directory);
  ledger::Manifest manifest = manifest_of(at, a, model, directory, out);
  manifest.recipe["tensors"] = adapter.targets();
  Progress bar(at.watch, "merge", static_cast<uint64_t>(inspect_model(model).parameters), "weights");
  merge_into_model(model, adapter, writer.directory(), [&](uint64_t elements) {
    at.watch.throw_if_cancelled();
    bar.update(elements);
  });
  copy_beside(model, writer.directory());
  writer.commit(std::move(manifest));
  return {out, static_cast<int64_t>(adapter.targets().size())};
}

}  // namespace maru::pipeline
