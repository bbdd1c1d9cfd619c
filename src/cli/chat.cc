// maru chat and maru generate: answers in the terminal.
#include <fmt/format.h>

#include <cstdio>
#include <iostream>

#include "base/interrupt.h"
#include "base/json.h"
#include "cli/adapter.h"
#include "cli/local_model.h"
#include "cli/verbs.h"
#include "text/chat/chat_template.h"

namespace maru::cli {
namespace {

void add_sampling(CLI::App* verb, SamplingArguments& s) {
  verb->add_option("--temperature", s.temperature, "0: always the likeliest token")->check(number_in(0, 100));
  verb->add_option("--top-p", s.top_p, "only tokens that make up this probability")->check(number_in(0, 1));
  verb->add_option("--top-k", s.top_k, "only the k likeliest tokens; 0: all")->check(whole_number_in(0, 1 << 22));
  verb->add_option("--max-tokens", s.max_tokens, "longest answer")->check(whole_number_in(1, 1 << 22));
  verb->add_option("--seed", s.seed, "same seed, same answer")->check(whole_number_in(0, int64_t{1} << 52));
  verb->add_option("--stop", s.stop, "the answer ends before this text");
}

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

// Reads lines until end of input; "/reset" forgets the conversation.
void converse(LocalModel& model, const SamplingArguments& sampling, const std::string& system) {
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
    set_interrupted(false);
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
    SamplingArguments sampling;
  };
  auto o = std::make_shared<Options>();
  verb->add_option("model", o->model, "model by name, directory or GGUF file")->required();
  add_adapter_option(verb, o->adapter);
  verb->add_option("--system", o->system, "system message");
  add_sampling(verb, o->sampling);
  verb->callback([&session, o] {
    LocalModel model(session, o->model, find_adapter(session, o->adapter).directory);
    o->sampling.continues_prompt = false;
    converse(model, o->sampling, o->system);
  });
}

void add_generate(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("generate", "continue a text once");
  struct Options {
    std::string model, adapter, prompt;
    SamplingArguments sampling;
  };
  auto o = std::make_shared<Options>();
  verb->add_option("model", o->model, "model by name, directory or GGUF file")->required();
  verb->add_option("prompt", o->prompt, "the text to continue");
  add_adapter_option(verb, o->adapter);
  add_sampling(verb, o->sampling);
  verb->callback([&session, o] {
    LocalModel model(session, o->model, find_adapter(session, o->adapter).directory);
    std::vector<int32_t> prompt =
        model.tokenizer().encode(o->prompt, {.add_special_tokens = true, .parse_special = false});
    const auto quiet = [](std::string_view) {};
    const auto answer = session.json ? model.generate(std::move(prompt), o->sampling, quiet)
                                     : model.generate(std::move(prompt), o->sampling, print);
    session.answer({{"text", answer.text}, {"finish_reason", infer::name_of(answer.finish)}}, "");
  });
}

}  // namespace maru::cli
