// For the tests with the openai clients: makes a tiny model with random weights and a tokenizer of bytes in a temporary
// directory, serves it on a free port, and prints {"url", "model"} on a line once it listens. Stops on SIGTERM.
// Usage: serve_tool [key=value…]    (fields of ServeConfig; api_key=KEY besides; say=TEXT: a model that answers just
// this, in the words of tool_parser and reasoning_parser; encoders=DIRECTORY: the golden encoders, of which "mean" and
// "rank" are served beside the tiny model; home=DIRECTORY: with a store of files there)
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "api/server.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "infer/fake_model.h"
#include "infer/fake_speaker.h"
#include "infer/test_encoder.h"
#include "models/model_files.h"
#include "models/weights.h"
#include "serving/model_forms.h"
#include "tensor/cpu_device.h"
#include "text/tokenizer/files/tokenizer_json.h"

namespace maru::api {
namespace {

void make_model(const fs::path& directory) {
  Decoder model(resolve({.vocab_size = 261,
                         .hidden_size = 32,
                         .intermediate_size = 64,
                         .num_hidden_layers = 2,
                         .num_attention_heads = 4,
                         .num_key_value_heads = 2,
                         .max_position_embeddings = 8192,
                         .initializer_range = 0.2}),
                Dtype::kF32);
  allocate_values(model);
  initialise(model, 11);
  fs::create_directories(directory);
  model.save(directory);
  write_file(directory / "tokenizer.json", text::write_tokenizer_json(infer::byte_tokenizer().spec()));
}

void announce(const std::string& url, const std::string& model) {
  const Json line{{"url", url}, {"model", model}};
  std::fputs((line.dump() + "\n").c_str(), stdout);
  std::fflush(stdout);
}

/// Encoders are written below `root` when there is a directory of golden ones.
std::vector<serving::ModelSource> make_models(const fs::path& root, const fs::path& golden_encoders) {
  make_model(root / "tiny");
  std::vector<serving::ModelSource> models{{.path = root / "tiny", .id = ""}};
  if (golden_encoders.empty()) return models;
  for (const auto& [name, golden] : {std::pair("mean", "bert_mean"), std::pair("rank", "xlmr_reranker")}) {
    infer::write_test_encoder(golden_encoders / golden, root / name);
    models.push_back({.path = root / name, .id = ""});
  }
  return models;
}

void serve_tiny(const ServeConfig& config, ServeContext context, const fs::path& golden_encoders) {
  const fs::path root = fs::temp_directory_path() / ("maru-serve-tool-" + std::to_string(::getpid()));
  const std::vector<serving::ModelSource> models = make_models(root, golden_encoders);
  ThreadPool pool(1);
  CpuDevice device(&pool);
  serve(config, std::move(context), {.models = models}, device,
        [](const ServeSummary& summary) { announce(summary.url, summary.models.front().id); });
  fs::remove_all(root);
}

void serve_speaker(const ServeConfig& config, const ServeContext& context, const std::string& text) {
  const text::Tokenizer tokenizer = infer::byte_tokenizer();
  const text::ChatTemplate chat_template = text::ChatTemplate::chatml(tokenizer);
  infer::FakeSpeaker model(tokenizer);
  model.say(text);
  ApiServer server(config, context, [&](serving::ModelHost& host) {
    serving::ModelParts parts;
    parts.model = &model;
    parts.tokenizer = &tokenizer;
    parts.chat_template = &chat_template;
    parts.id = "speaker";
    parts.end_tokens = {1};
    parts.forms = serving::forms_of(config.tool_parser, config.reasoning_parser, &chat_template);
    host.add(std::move(parts));
  });
  announce("http://127.0.0.1:" + std::to_string(server.port()), "speaker");
  while (!interrupted()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  server.drain(std::chrono::seconds(5));
}

/// The value of `key=` among the arguments, which loses it.
std::string take(std::vector<std::string>& arguments, const std::string& key) {
  std::string value;
  std::erase_if(arguments, [&](const std::string& argument) {
    const bool found = argument.starts_with(key + "=");
    if (found) value = argument.substr(key.size() + 1);
    return found;
  });
  return value;
}

void run(std::vector<std::string> arguments) {
  ServeContext context;
  if (const std::string key = take(arguments, "api_key"); !key.empty()) context.api_keys.push_back(key);
  context.home = take(arguments, "home");
  const std::string say = take(arguments, "say"), encoders = take(arguments, "encoders");
  Json recipe{{"http", {{"port", 0}}}};
  apply_overrides(recipe, arguments);
  const auto config = from_json<ServeConfig>(recipe, "serve");
  if (say.empty())
    serve_tiny(config, std::move(context), encoders);
  else
    serve_speaker(config, context, say);
}

}  // namespace
}  // namespace maru::api

int main(int argc, char** argv) {
  maru::install_interrupt_handler();
  try {
    maru::api::run({argv + 1, argv + argc});
    return 0;
  } catch (const std::exception& e) {
    return std::fprintf(stderr, "serve_tool: %s\n", e.what()), 1;
  }
}
