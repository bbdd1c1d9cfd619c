// maru merge: an adapter's learning becomes part of a model's weights.
#include "pipeline/merge.h"

#include <fmt/format.h>

#include "base/json.h"
#include "cli/verbs.h"
#include "train/validate.h"

namespace maru::cli {

namespace {

Json json_of(const pipeline::MergeResult& r) {
  Json json{{"path", r.path.string()}, {"tensors", r.tensors}};
  if (!r.to.empty()) json["to"] = r.to;
  if (r.cost) {
    json["bits_per_byte_beside"] = train::number_or_null(r.cost->before);
    json["bits_per_byte"] = train::number_or_null(r.cost->after);
    json["measured_on"] = {{"text", r.cost->text}, {"tokens", r.cost->tokens}};
  }
  return json;
}

std::string text_of(const pipeline::MergeResult& r) {
  std::string text = fmt::format("merge        {}: {} tensors changed", r.path.string(), r.tensors);
  if (r.to.empty()) return text;
  text += ", " + r.to;
  if (!r.cost || !r.cost->before || !r.cost->after)
    return text + "\n             what that costs is not measured: no text was held out; --text FILE gives one";
  const double beside = *r.cost->before, merged = *r.cost->after;
  return text + fmt::format(
                    "\n             bits per byte {:.4f} with the adapter beside it → {:.4f} merged ({:+.2f} %) "
                    "on {} tokens of {}",
                    beside, merged, 100 * (merged / beside - 1), r.cost->tokens, r.cost->text);
}

}  // namespace

void add_merge(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("merge", "add an adapter's learning to a model's weights");
  auto a = std::make_shared<pipeline::MergeConfig>();
  verb->add_option("model", a->model, "a model by name or directory")->required();
  verb->add_option("adapter", a->adapter, "a PEFT adapter's directory: LoRA, rsLoRA or DoRA")->required();
  verb->add_option("--out", a->out, "name of the new model, or a path with a '/'")->required();
  verb->add_option(
          "--to", a->to,
          "of a quantized model: int4 or int8, as it is by default, or bf16; what rounding again costs is said")
      ->check(CLI::IsMember({"int4", "int8", "bf16"}));
  verb->add_option(
      "--text", a->text,
      "of a quantized model: measure bits per byte on this text; default: what the adapter's training held "
      "out");
  verb->add_flag("--force", a->force, "replace what is there");
  verb->callback([&session, a] {
    const pipeline::MergeResult result = pipeline::merge(session.workplace(), *a);
    session.answer(json_of(result), text_of(result));
  });
}

}  // namespace maru::cli
