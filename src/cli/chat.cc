// maru chat: answers in the terminal.
#include <iostream>

#include "base/interrupt.h"
#include "base/json.h"
#include "catalogue/adapter.h"
#include "cli/adapter_option.h"
#include "cli/sampling.h"
#include "cli/verbs.h"
#include "text/chat/chat_template.h"

namespace maru::cli {
namespace {

// Reads lines until end of input; "/reset" forgets the conversation.
void converse(pipeline::LocalModel& model, const pipeline::Sampling& sampling, const std::string& system) {
  const text::ChatTemplate& chat_template = model.chat_template();
  Json messages;
  const auto add = [&](const char* role, const std::string& content) {
    messages.push_back({{"role", role}, {"content", content}});
  };
  const auto reset = [&] {
    messages = Json::array();
    if (!system.empty()) add("system", system);
  };
  reset();
  std::string line;
  for (print("> "); std::getline(std::cin, line); print("> ")) {
    if (line == "/reset") {
      reset();
      continue;
    }
    add("user", line);
    interrupt_token().reset();
    const text::ChatOptions options{.add_generation_prompt = true, .clock = text::jinja::local_clock()};
    const text::RenderedChat prompt = chat_template.render(messages, options);
    const auto answer = model.generate(text::encode_chat(model.tokenizer(), prompt).ids, sampling, print);
    print("\n");
    add("assistant", answer.text);
  }
  print("\n");
}

}  // namespace

void add_chat(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand(
      "chat", "chat with a model in the terminal (/reset forgets, Ctrl-C ends an answer, Ctrl-D leaves)");
  struct Options {
    std::string model, adapter, system;
    pipeline::Sampling sampling;
  };
  auto o = std::make_shared<Options>();
  verb->add_option("model", o->model, "model by name, directory or GGUF file")->required();
  add_adapter_option(verb, o->adapter);
  verb->add_option("--system", o->system, "system message");
  add_sampling(verb, o->sampling);
  verb->callback([&session, o] {
    pipeline::LocalModel model(session.workplace(), o->model,
                               catalogue::find_adapter(session.catalogue(), o->adapter).directory);
    o->sampling.continues_prompt = false;
    converse(model, o->sampling, o->system);
  });
}

}  // namespace maru::cli
