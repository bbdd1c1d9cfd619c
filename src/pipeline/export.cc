#include "pipeline/export.h"

#include <algorithm>

#include "base/json.h"
#include "base/progress.h"
#include "base/temporary.h"
#include "infer/gguf_text.h"
#include "ledger/artefact_writer.h"
#include "models/gguf_export.h"
#include "models/model_files.h"
#include "models/quantize.h"
#include "pipeline/inspect.h"
#include "pipeline/origin.h"
#include "text/chat/chat_files.h"

namespace maru::pipeline {
namespace {

std::optional<formats::GgmlType> type_of(const std::string& dtype) {
  if (dtype.empty()) return std::nullopt;
  const auto type = formats::ggml_type_named(dtype);
  if (!type)
    throw Failure(ErrorCode::kInvalidArgument, "--dtype: expected f32, f16, bf16, q8_0 or q4_0, got \"" + dtype + "\"");
  return type;
}

/// The manifest of an exported directory: what it came from, so that the mark of foreign weights travels with it.
ledger::Manifest manifest_of(const Workplace& at, const fs::path& model, const fs::path& out,
                             const std::string& dtype) {
  ledger::Manifest manifest{.kind = "model", .name = catalogue::directory_name(model)};
  manifest.recipe = {{"verb", "export"}, {"format", "safetensors"}, {"dtype", dtype}};
  if (fs::exists(model / ledger::kManifestName))
    manifest.inputs = {ledger::artefact_input("model", model, {out, at.home.root()})};
  else
    manifest.foreign = {foreign_origin(model, manifest.name, model.string(), find_licence(model).name, at.watch)};
  return manifest;
}

// The files beside the weights that make a directory a tokenizer too.
void copy_tokenizer(const fs::path& from, const fs::path& to) {
  for (const char* name :
       {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "tokenizer.model",
        "sentencepiece.bpe.model", "spiece.model", "sentencepiece.model", "qwen.tiktoken", "vocab.json", "merges.txt",
        "vocab.txt", "chat_template.jinja", "generation_config.json"})
    if (fs::exists(from / name)) fs::copy_file(from / name, to / name);
}

/// A model in Maru's panels as a directory of plain f32 weights beside `out`, for as long as this lives.
class Expanded {
 public:
  Expanded(const Workplace& at, const fs::path& from, const fs::path& out) : writer_(out.string() + ".expanded") {
    const auto model = load_model(from, Dtype::kF32);
    Progress bar(at.watch, "expand", 0, "weights");
    dequantize_weights(at.machine.device(), *model, [&](int64_t weights) {
      at.watch.throw_if_cancelled();
      bar.update(static_cast<uint64_t>(weights));
    });
    save_weights(*model, directory() / "model.safetensors");
    Json config = read_json(from / "config.json");
    config.erase("quantization_config");
    write_json(directory() / "config.json", config);
  }
  const fs::path& directory() const { return writer_.directory(); }

 private:
  ledger::ArtefactWriter writer_;  // never committed
};

bool holds_panels(const fs::path& model) {
  if (!fs::exists(model / "config.json")) return false;
  const std::string where = (model / "config.json").string();
  const auto quantization = formats::quantization_config(read_json(where), where);
  return quantization && quantization->method == formats::QuantizationMethod::kPanels;
}

}  // namespace

Exported export_model(const Workplace& at, const ExportConfig& a) {
  const fs::path model = at.home.find(Kind::kModel, a.model);
  const fs::path out = fs::absolute(a.out).lexically_normal();
  refuse_gguf(model, "exported");
  if (fs::exists(out) && !a.force) throw Failure(ErrorCode::kExists, out.string() + ": exists; --force replaces it");
  if (a.format == "gguf" && fs::is_directory(out))
    throw Failure(ErrorCode::kExists, out.string() + ": is a directory, and is not replaced by a GGUF file");
  refuse_temporary_name(out);
  if (a.format == "gguf")
    remove_leftovers_of(out, /*locked=*/false);
  else
    ledger::require_writable(out);
  Progress bar(at.watch, "export", static_cast<uint64_t>(std::max<int64_t>(0, inspect_model(model).parameters)),
               "weights");
  const auto progress = [&](uint64_t elements) {
    at.watch.throw_if_cancelled();
    bar.update(elements);
  };
  const bool panels = holds_panels(model);
  std::optional<Expanded> expanded;
  if (panels) expanded.emplace(at, model, out);
  const fs::path& weights = panels ? expanded->directory() : model;
  const std::optional<formats::GgmlType> type = panels && a.dtype.empty() ? formats::GgmlType::kBf16 : type_of(a.dtype);
  if (a.format == "gguf") {
    if (out.has_parent_path()) fs::create_directories(out.parent_path());
    Exported result;
    const MetadataWriter text = [&](formats::GgufWriter& writer, int64_t vocab_size) {
      result.tokenizer = infer::put_text(writer, model, text::read_chat_template(model), vocab_size);
    };
    result.weights = convert_to_gguf(weights, out, type, catalogue::directory_name(model), text, progress);
    return result;
  }
  ledger::ArtefactWriter writer(out);
  const auto result = formats::convert_to_safetensors(weights, writer.directory(), type, progress);
  copy_tokenizer(model, writer.directory());
  writer.commit(manifest_of(at, model, out, std::string(formats::name_of(result.type))));
  return {.weights = result, .tokenizer = {}};
}

}  // namespace maru::pipeline
