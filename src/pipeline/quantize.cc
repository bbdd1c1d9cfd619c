#include "pipeline/quantize.h"

#include "base/json.h"
#include "base/progress.h"
#include "ledger/artefact_writer.h"
#include "models/calibrate.h"
#include "models/model_files.h"
#include "models/quantized_files.h"
#include "pipeline/measured_text.h"
#include "pipeline/origin.h"
#include "text/tokenizer/files/load_tokenizer.h"

namespace maru::pipeline {
namespace {

void round_weights(const Workplace& at, Decoder& model, QuantizedKind kind,
                   const std::vector<std::vector<int32_t>>& calibration) {
  int64_t weights = 0;
  for (Parameter* parameter : parameters_to_round(model)) weights += parameter->shape.size();
  Progress bar(at.watch, "quantize", static_cast<uint64_t>(weights), "weights");
  const auto progress = [&](int64_t done) {
    at.watch.throw_if_cancelled();
    bar.update(static_cast<uint64_t>(done));
  };
  if (calibration.empty())
    quantize_weights(at.machine.device(), model, kind, QuantizedKind::kInt8, progress);
  else
    quantize_calibrated(at.machine.device(), model, kind, calibration, QuantizedKind::kInt8, progress);
}

// The windows without their last tokens, which are only predicted.
std::vector<std::vector<int32_t>> calibration_of(const QuantizeConfig& a, const fs::path& text,
                                                 const text::Tokenizer& tokenizer, int64_t window) {
  std::vector<std::vector<int32_t>> tokens;
  if (text.empty()) return tokens;
  tokens = windows_of_file(text, tokenizer, window, a.calibrate_tokens).tokens;
  if (tokens.empty()) throw Failure(ErrorCode::kInvalidArgument, text.string() + ": is too short to calibrate with");
  for (std::vector<int32_t>& each : tokens) each.pop_back();
  return tokens;
}

std::unique_ptr<Decoder> load_plain(Device& device, const fs::path& directory) {
  refuse_gguf(directory, "quantized");
  if (!fs::is_directory(directory))
    throw Failure(ErrorCode::kUnimplemented, directory.string() + ": expected a Hugging Face directory");
  auto model = load_model(directory);
  if (has_quantized_weights(*model))
    throw Failure(ErrorCode::kInvalidArgument,
                  directory.string() + ": is quantized already; quantize the model that it came from");
  place(device, *model);
  return model;
}

void write_model(const Workplace& at, const QuantizeConfig& a, const fs::path& source, const fs::path& text,
                 const fs::path& out, ledger::ArtefactWriter& writer, Decoder& model, QuantizedKind kind) {
  ledger::Manifest manifest{.kind = "model", .name = catalogue::directory_name(out)};
  manifest.recipe = {{"verb", "quantize"}, {"to", a.to}, {"calibrate", !text.empty()}};
  add_origin(at, manifest, "model", source, source, out);
  if (!text.empty()) {
    manifest.recipe["calibrate_tokens"] = a.calibrate_tokens;
    const ledger::Place place{out, at.home.root()};
    const bool artefact = fs::exists(text.parent_path() / ledger::kManifestName);
    manifest.inputs.push_back(artefact ? ledger::artefact_input("calibration", text.parent_path(), place)
                                       : ledger::raw_input("calibration", text, place));
  }
  save_weights(model, writer.directory() / "model.safetensors");
  Json config = read_json(source / "config.json");
  config["quantization_config"] = quantization_json(kind, QuantizedKind::kInt8, text.empty() ? "none" : "gptq");
  write_json(writer.directory() / "config.json", config);
  copy_beside(source, writer.directory());
  at.watch.throw_if_cancelled();
  writer.commit(std::move(manifest));
}

}  // namespace

QuantizeResult quantize(const Workplace& at, const QuantizeConfig& a) {
  const fs::path out = at.home.new_place(Kind::kModel, a.out, a.force), source = at.home.find(Kind::kModel, a.model);
  const fs::path text = a.calibrate.empty() ? fs::path() : find_text(at, a.calibrate, "train");
  const QuantizedKind kind = a.to == "int8" ? QuantizedKind::kInt8 : QuantizedKind::kInt4;
  ledger::ArtefactWriter writer(out);  // before the work: nobody else makes it, and it can be written
  const auto model = load_plain(at.machine.device(), source);
  const auto tokenizer = text::load_tokenizer(source);
  const int64_t window = measured_window(*model);
  const MeasuredText measured = measured_text(at, {a.text, a.text_tokens, source}, tokenizer, window);
  const auto calibration = calibration_of(a, text, tokenizer, window);
  QuantizeResult result{.path = out, .to = a.to, .bytes_before = weight_bytes(*model)};
  if (measured.tokens > 0) result.cost.emplace(QuantizeCost{.text = measured.on, .tokens = measured.tokens});
  if (result.cost) result.cost->before = bits_per_byte(at, *model, measured);
  round_weights(at, *model, kind, calibration);
  if (result.cost) result.cost->after = bits_per_byte(at, *model, measured);
  result.bytes = weight_bytes(*model);
  write_model(at, a, source, text, out, writer, *model, kind);
  return result;
}

}  // namespace maru::pipeline
