// maru inspect: what a model on disk is, before anything is loaded.
#include "base/json.h"
#include "cli/inspection.h"
#include "cli/verbs.h"

namespace maru::cli {

void add_inspect(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("inspect", "what a model on disk is and needs; loads nothing");
  auto name = std::make_shared<std::string>();
  verb->add_option("model", *name, "a model by name, a Hugging Face directory, a .safetensors or a .gguf file")
      ->required();
  verb->footer(
      "Says architecture, parameters by dtype, quantization, tokenizer, chat template, licence, the memory of weights\n"
      "and of keys and values at several contexts, and whether this build can run it, or why not.");
  verb->callback([&session, name] {
    const Inspection inspection = inspect_model(session.find("models", *name));
    session.answer(to_json(inspection), text_of(inspection));
  });
}

}  // namespace maru::cli
