// maru inspect: what a model on disk is, before anything is loaded.
#include "base/json.h"
#include "catalogue/adapter.h"
#include "cli/inspect_text.h"
#include "cli/verbs.h"

namespace maru::cli {

void add_inspect(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("inspect", "what a model on disk is and needs; loads nothing");
  auto name = std::make_shared<std::string>();
  verb->add_option("model", *name,
                   "a model by name, a Hugging Face directory, a .safetensors or a .gguf file, or a PEFT adapter")
      ->required();
  verb->footer(
      "Says architecture, parameters by dtype, quantization, tokenizer, chat template, licence, the memory of weights\n"
      "and of keys and values at several contexts, and whether this build can run it, or why not. Of an adapter: "
      "method, rank, scale, modules, the model it is for.");
  verb->callback([&session, name] {
    if (const auto adapter = catalogue::adapter_named(session.catalogue(), *name)) {
      const pipeline::AdapterInspection inspection = pipeline::inspect_adapter(*adapter);
      return session.answer(to_json(inspection), text_of(inspection));
    }
    const pipeline::Inspection inspection = pipeline::inspect_model(session.find(Kind::kModel, *name));
    session.answer(to_json(inspection), text_of(inspection));
  });
}

}  // namespace maru::cli
