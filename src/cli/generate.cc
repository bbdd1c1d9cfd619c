// maru generate: a text goes on.
#include "base/json.h"
#include "catalogue/adapter.h"
#include "cli/adapter_option.h"
#include "cli/sampling.h"
#include "cli/verbs.h"

namespace maru::cli {

void add_generate(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("generate", "continue a text once");
  struct Options {
    std::string model, adapter, prompt;
    pipeline::Sampling sampling;
  };
  auto o = std::make_shared<Options>();
  verb->add_option("model", o->model, "model by name, directory or GGUF file")->required();
  verb->add_option("prompt", o->prompt, "the text to continue");
  add_adapter_option(verb, o->adapter);
  add_sampling(verb, o->sampling);
  verb->callback([&session, o] {
    pipeline::LocalModel model(session.workplace(), o->model,
                               catalogue::find_adapter(session.catalogue(), o->adapter).directory);
    std::vector<int32_t> prompt =
        model.tokenizer().encode(o->prompt, {.add_special_tokens = true, .parse_special = false});
    const auto quiet = [](std::string_view) {};
    const auto answer = session.json ? model.generate(std::move(prompt), o->sampling, quiet)
                                     : model.generate(std::move(prompt), o->sampling, print);
    session.answer({{"text", answer.text}, {"finish_reason", infer::name_of(answer.finish)}}, "");
  });
}

}  // namespace maru::cli
