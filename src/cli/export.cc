// maru export: a model for other programs, as safetensors or GGUF.
#include <fmt/format.h>

#include "base/interrupt.h"
#include "base/json.h"
#include "base/progress.h"
#include "base/temporary.h"
#include "cli/foreign.h"
#include "cli/inspection.h"
#include "cli/verbs.h"
#include "formats/convert.h"
#include "infer/gguf_text.h"
#include "ledger/artefact_writer.h"
#include "models/checkpoint.h"
#include "models/quantize.h"
#include "text/chat/chat_files.h"

namespace maru::cli {
namespace {

struct ExportArguments {
  std::string model, format = "safetensors", out, dtype;
  bool force = false;
};

std::optional<formats::GgmlType> type_of(const std::string& dtype) {
  if (dtype.empty()) return std::nullopt;
  const auto type = formats::ggml_type_named(dtype);
  if (!type)
    throw Failure(ErrorCode::kInvalidArgument, "--dtype: expected f32, f16, bf16, q8_0 or q4_0, got \"" + dtype + "\"");
  return type;
}

/// The manifest of an exported directory: what it came from, so that the mark of foreign weights travels with it.
ledger::Manifest manifest_of(const Session& session, const fs::path& model, const fs::path& out,
                             const std::string& dtype) {
  ledger::Manifest manifest{.kind = "model", .name = directory_name(model)};
  manifest.recipe = {{"verb", "export"}, {"format", "safetensors"}, {"dtype", dtype}};
  if (fs::exists(model / ledger::kManifestName))
    manifest.inputs = {ledger::artefact_input("model", model, {out, session.home})};
  else
    manifest.foreign = {foreign_origin(model, manifest.name, model.string(), find_licence(model).name, session.quiet)};
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
  Expanded(Session& session, const fs::path& from, const fs::path& out) : writer_(out.string() + ".expanded") {
    const auto model = load_model(from, Dtype::kF32);
    Progress bar("expand", 0, "weights", session.quiet);
    dequantize_weights(session.stream(), *model, [&](int64_t weights) {
      throw_if_interrupted();
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

formats::ConvertResult export_model(Session& session, const ExportArguments& a, const fs::path& model) {
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
  Progress bar("export", static_cast<uint64_t>(std::max<int64_t>(0, inspect_model(model).parameters)), "weights",
               session.quiet);
  const auto progress = [&](uint64_t elements) {
    throw_if_interrupted();
    bar.update(elements);
  };
  const bool panels = holds_panels(model);
  std::optional<Expanded> expanded;
  if (panels) expanded.emplace(session, model, out);
  const fs::path& weights = panels ? expanded->directory() : model;
  const std::optional<formats::GgmlType> type = panels && a.dtype.empty() ? formats::GgmlType::kBf16 : type_of(a.dtype);
  if (a.format == "gguf") {
    if (out.has_parent_path()) fs::create_directories(out.parent_path());
    const formats::TokenizerWriter text = [&](formats::GgufWriter& writer, int64_t vocab_size) {
      return infer::put_text(writer, model, text::read_chat_template(model), vocab_size);
    };
    return formats::convert_to_gguf(weights, out, type, directory_name(model), text, progress);
  }
  ledger::ArtefactWriter writer(out);
  const auto result = formats::convert_to_safetensors(weights, writer.directory(), type, progress);
  copy_tokenizer(model, writer.directory());
  writer.commit(manifest_of(session, model, out, std::string(formats::name_of(result.type))));
  return result;
}

Json to_json(const ExportArguments& a, const formats::ConvertResult& r) {
  Json json{{"out", a.out},         {"format", a.format},       {"dtype", formats::name_of(r.type)},
            {"tensors", r.tensors}, {"parameters", r.elements}, {"bytes", r.bytes}};
  if (a.format != "gguf") return json;
  json["tokenizer"] = {{"model", r.tokenizer.model}, {"pre", r.tokenizer.pre}, {"exact", r.tokenizer.exact}};
  if (const auto& trial = r.tokenizer.trial)
    json["tokenizer"].update({{"lines", trial->lines},
                              {"lines_differing", trial->differing},
                              {"tokens", trial->tokens},
                              {"tokens_in_gguf", trial->tokens_in_gguf}});
  return json;
}

/// What became of the tokenizer where llama.cpp has it by no name.
std::string text_of(const formats::TokenizerExport& t) {
  if (!t.trial) return "";
  const formats::SplitTrial& trial = *t.trial;
  if (t.exact)
    return fmt::format("\ntokenizer    \"{}\" gives the same ids on all {} lines that were tried, of every script",
                       t.pre, trial.lines);
  const double more = 100.0 * static_cast<double>(trial.tokens_in_gguf - trial.tokens) /
                      static_cast<double>(std::max<int64_t>(1, trial.tokens));
  return fmt::format(
      "\ntokenizer    llama.cpp {}: {} of {} lines of every script get other ids, {:+.1f} % tokens in all.\n"
      "             There it reads such texts in pieces that it did not learn from; Maru reads the file exactly.",
      t.model == "gpt2" ? fmt::format("has no split like this one, with \"{}\", the nearest", t.pre)
                        : "does not prepare text as this tokenizer does",
      trial.differing, trial.lines, more);
}

std::string text_of(const ExportArguments& a, const formats::ConvertResult& r) {
  std::string text =
      fmt::format("export       {}: {} {}, {} tensors, {} parameters, {}", a.out, a.format, formats::name_of(r.type),
                  r.tensors, short_count(static_cast<double>(r.elements)), short_bytes(static_cast<double>(r.bytes)));
  return a.format == "gguf" ? text + text_of(r.tokenizer) : text;
}

}  // namespace

void add_export(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("export", "write a model for other programs: safetensors or GGUF");
  auto a = std::make_shared<ExportArguments>();
  verb->add_option("model", a->model, "a model by name, or a Hugging Face directory")->required();
  verb->add_option("--format", a->format, "safetensors (a directory) or gguf (one file)")
      ->check(CLI::IsMember({"safetensors", "gguf"}));
  verb->add_option("--out", a->out, "the directory or file to write")->required();
  verb->add_option("--dtype", a->dtype,
                   "f32, f16, bf16; for gguf also q8_0, q4_0. Default: as stored, quantized: bf16");
  verb->add_flag("--force", a->force, "replace what is there");
  verb->footer(
      "Quantized weights (int8, int4, GPTQ, AWQ, compressed-tensors, fp8) are expanded. GGUF is written for Llama, "
      "Mistral, "
      "Qwen2,\n"
      "Qwen3, Gemma 2 and 3, Phi-3, EXAONE, Granite and GPT-2, with the tokenizer in the file, as llama.cpp's own\n"
      "converter lays them out.");
  verb->callback([&session, a] {
    const formats::ConvertResult result = export_model(session, *a, session.find("models", a->model));
    session.answer(to_json(*a, result), text_of(*a, result));
  });
}

}  // namespace maru::cli
