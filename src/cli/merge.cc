// maru merge: an adapter's learning becomes part of a model's weights.
#include "pipeline/merge.h"

#include <fmt/format.h>

#include "base/json.h"
#include "cli/verbs.h"

namespace maru::cli {

void add_merge(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("merge", "add an adapter's learning to a model's weights");
  auto a = std::make_shared<pipeline::MergeConfig>();
  verb->add_option("model", a->model, "a model by name or directory")->required();
  verb->add_option("adapter", a->adapter, "a PEFT adapter's directory: LoRA, rsLoRA or DoRA")->required();
  verb->add_option("--out", a->out, "name of the new model, or a path with a '/'")->required();
  verb->add_flag("--force", a->force, "replace what is there");
  verb->callback([&session, a] {
    const pipeline::MergeResult result = pipeline::merge(session.workplace(), *a);
    session.answer({{"path", result.path.string()}, {"tensors", result.tensors}},
                   fmt::format("merge        {}: {} tensors changed", result.path.string(), result.tensors));
  });
}

}  // namespace maru::cli
