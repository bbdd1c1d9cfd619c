#include "pipeline/quantize.h"

#include <algorithm>

#include "base/json.h"
#include "base/progress.h"
#include "catalogue/lineage.h"
#include "eval/windows.h"
#include "formats/token_dataset.h"
#include "ledger/artefact_writer.h"
#include "models/calibrate.h"
#include "models/model_files.h"
#include "models/quantized_files.h"
#include "pipeline/origin.h"
#include "text/tokenizer/files/load_tokenizer.h"
#include "train/validate.h"

namespace maru::pipeline {
namespace {

constexpr int64_t kLongestWindow = 2048;
constexpr uint64_t kBytesPerToken = 4;  // of text that are read for each token that is wanted, about

/// A text by path, or a dataset's train or held_out file by its name.
fs::path find_text(const Workplace& at, const std::string& name, const char* split) {
  const fs::path found = at.home.find(Kind::kDataset, name);
  return fs::is_directory(found) ? catalogue::split_file(found, split) : found;
}

/// Windows of a text that the user named.
eval::Windows windows_of_file(const fs::path& file, const text::Tokenizer& tokenizer, int64_t length, int64_t most) {
  const uint64_t bytes = most > 0 ? static_cast<uint64_t>(most) * kBytesPerToken : UINT64_MAX;
  return eval::windows_of(eval::read_documents(file, bytes), tokenizer, length, most);
}

/// What the change of bits per byte is measured on: --text, or the held-out documents that the ledger names.
struct Measured {
  std::string on;  // empty: nothing
  eval::Windows windows;
  std::optional<formats::TokenDataset> held_out;
  int64_t tokens = 0;  // to be counted, about
};

Measured measured_text(const Workplace& at, const QuantizeConfig& a, const fs::path& model,
                       const text::Tokenizer& tokenizer, int64_t window) {
  Measured m;
  if (!a.text.empty()) {
    const fs::path file = find_text(at, a.text, "held_out");
    m.on = file.string();
    m.windows = windows_of_file(file, tokenizer, window, a.text_tokens);
    m.tokens = m.windows.counted;
  } else if (const fs::path tokens = catalogue::tokens_behind(model); !tokens.empty() && fs::exists(tokens)) {
    m.on = tokens.string() + ": held_out";
    m.held_out.emplace(tokens, "held_out");
    m.tokens = m.held_out->num_tokens();
    if (a.text_tokens > 0) m.tokens = std::min(m.tokens, a.text_tokens);
  }
  return m;
}

std::optional<double> bits_per_byte(const Workplace& at, Decoder& model, const Measured& measured, int64_t window) {
  StepMemory memory(at.machine.device());
  Progress bar(at.watch, "score", static_cast<uint64_t>(measured.tokens), "tokens");
  const auto progress = [&](int64_t tokens) {
    at.watch.throw_if_cancelled();
    bar.update(static_cast<uint64_t>(tokens));
  };
  if (!measured.held_out) return eval::score_windows(memory, model, measured.windows, progress).bits_per_byte();
  const auto score = train::validate(memory, model, *measured.held_out, window, std::max<int64_t>(window, 4096),
                                     measured.tokens, 0, progress);
  return score.bits_per_byte();
}

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
  const int64_t window = std::min(kLongestWindow, model->config().max_position_embeddings);
  const Measured measured = measured_text(at, a, source, tokenizer, window);
  const auto calibration = calibration_of(a, text, tokenizer, window);
  QuantizeResult result{.path = out, .to = a.to, .bytes_before = weight_bytes(*model)};
  if (measured.tokens > 0) result.cost.emplace(QuantizeCost{.text = measured.on, .tokens = measured.tokens});
  if (result.cost) result.cost->before = bits_per_byte(at, *model, measured, window);
  round_weights(at, *model, kind, calibration);
  if (result.cost) result.cost->after = bits_per_byte(at, *model, measured, window);
  result.bytes = weight_bytes(*model);
  write_model(at, a, source, text, out, writer, *model, kind);
  return result;
}

}  // namespace maru::pipeline
