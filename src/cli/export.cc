// maru export: a model for other programs, as safetensors or GGUF.
#include "pipeline/export.h"

#include <fmt/format.h>

#include "base/json.h"
#include "base/progress.h"
#include "cli/verbs.h"

namespace maru::cli {
namespace {

Json to_json(const pipeline::ExportConfig& a, const pipeline::Exported& e) {
  const formats::ConvertResult& r = e.weights;
  Json json{{"out", a.out},         {"format", a.format},       {"dtype", formats::name_of(r.type)},
            {"tensors", r.tensors}, {"parameters", r.elements}, {"bytes", r.bytes}};
  if (a.format != "gguf") return json;
  json["tokenizer"] = {{"model", e.tokenizer.model}, {"pre", e.tokenizer.pre}, {"exact", e.tokenizer.exact}};
  if (const auto& trial = e.tokenizer.trial)
    json["tokenizer"].update({{"lines", trial->lines},
                              {"lines_differing", trial->differing},
                              {"tokens", trial->tokens},
                              {"tokens_in_gguf", trial->tokens_in_gguf}});
  return json;
}

/// What became of the tokenizer where llama.cpp has it by no name.
std::string text_of(const infer::TokenizerExport& t) {
  if (!t.trial) return "";
  const infer::SplitTrial& trial = *t.trial;
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

std::string text_of(const pipeline::ExportConfig& a, const pipeline::Exported& e) {
  const formats::ConvertResult& r = e.weights;
  std::string text =
      fmt::format("export       {}: {} {}, {} tensors, {} parameters, {}", a.out, a.format, formats::name_of(r.type),
                  r.tensors, short_count(static_cast<double>(r.elements)), short_bytes(static_cast<double>(r.bytes)));
  return a.format == "gguf" ? text + text_of(e.tokenizer) : text;
}

}  // namespace

void add_export(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("export", "write a model for other programs: safetensors or GGUF");
  auto a = std::make_shared<pipeline::ExportConfig>();
  verb->add_option("model", a->model, "a model by name, or a Hugging Face directory")->required();
  verb->add_option("--format", a->format, "safetensors (a directory) or gguf (one file)")
      ->check(CLI::IsMember({"safetensors", "gguf"}));
  verb->add_option("--out", a->out, "the directory or file to write")->required();
  verb->add_option("--dtype", a->dtype,
                   "f32, f16, bf16; for gguf also q8_0, q4_0. Default: as stored, quantized: bf16");
  verb->add_flag("--force", a->force, "replace what is there");
  verb->footer(
      "Quantized weights (int8, int4, GPTQ, AWQ, compressed-tensors, fp8) are expanded. GGUF is written for the "
      "families\n"
      "that llama.cpp knows (docs/models.md), with the tokenizer in the file, as its own converter lays them out.");
  verb->callback([&session, a] {
    const pipeline::Exported result = pipeline::export_model(session.workplace(), *a);
    session.answer(to_json(*a, result), text_of(*a, result));
  });
}

}  // namespace maru::cli
