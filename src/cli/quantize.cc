// maru quantize: a model with weights of 8 or 4 bits, and what that costs in bits per byte.
#include "pipeline/quantize.h"

#include <fmt/format.h>

#include "base/json.h"
#include "base/progress.h"
#include "cli/verbs.h"
#include "train/validate.h"

namespace maru::cli {
namespace {

Json json_of(const pipeline::QuantizeResult& r) {
  Json json{{"path", r.path.string()}, {"to", r.to}, {"bytes_before", r.bytes_before}};
  if (r.cost) {
    json["bits_per_byte_before"] = train::number_or_null(r.cost->before);
    json["bits_per_byte"] = train::number_or_null(r.cost->after);
    json["measured_on"] = {{"text", r.cost->text}, {"tokens", r.cost->tokens}};
  }
  json["bytes"] = r.bytes;
  return json;
}

std::string text_of(const pipeline::QuantizeResult& r) {
  const auto before = static_cast<double>(r.bytes_before), after = static_cast<double>(r.bytes);
  const std::string text = fmt::format("quantize     {}: {}, {} → {} ({:.1f} %)", r.path.string(), r.to,
                                       short_bytes(before), short_bytes(after), 100 * after / before);
  if (!r.cost || !r.cost->before || !r.cost->after)
    return text + "\n             bits per byte not measured: the ledger names no held-out text; --text FILE gives one";
  const double was = *r.cost->before, is = *r.cost->after;
  return text + fmt::format("\n             bits per byte {:.4f} → {:.4f} ({:+.2f} %) on {} tokens of {}", was, is,
                            100 * (is / was - 1), r.cost->tokens, r.cost->text);
}

}  // namespace

void add_quantize(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("quantize", "round a model's weights to 8 or 4 bits, and say what that costs");
  auto a = std::make_shared<pipeline::QuantizeConfig>();
  verb->add_option("model", a->model, "a model by name or Hugging Face directory")->required();
  verb->add_option("--to", a->to, "int4 (the default) or int8; tables are int8 in both")
      ->check(CLI::IsMember({"int4", "int8"}));
  verb->add_option("--out", a->out, "name of the new model, or a path with a '/'")->required();
  verb->add_option("--calibrate", a->calibrate,
                   "round for this text (GPTQ): a text or JSONL file, or a dataset by name for its training documents");
  verb->add_option("--calibrate-tokens", a->calibrate_tokens, "of it are used at most")
      ->check(whole_number_in(1, 1 << 24));
  verb->add_option("--text", a->text,
                   "measure bits per byte on this text: a text or JSONL file, or a dataset by name for its held-out\n"
                   "documents; default: those of the model's own training data");
  verb->add_option("--text-tokens", a->text_tokens, "of it are scored, whole documents; 0: all")
      ->check(whole_number_in(0, int64_t{1} << 40));
  verb->add_flag("--force", a->force, "replace what is there");
  verb->callback([&session, a] {
    const pipeline::QuantizeResult result = pipeline::quantize(session.workplace(), *a);
    session.answer(json_of(result), text_of(result));
  });
}

}  // namespace maru::cli
