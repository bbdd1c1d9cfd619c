// For the tests with the openai clients: makes a tiny model with random weights and a tokenizer of bytes in a temporary
// directory, serves it on a free port, and prints {"url", "model"} on a line once it listens. Stops on SIGTERM.
// Usage: serve_tool [key=value…]    (fields of ServeConfig; api_key=KEY besides)
#include <unistd.h>

#include <cstdio>

#include "api/server.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "infer/fake_model.h"
#include "models/model_files.h"
#include "models/weights.h"
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

void announce(const ServeSummary& summary) {
  const Json line{{"url", summary.url}, {"model", summary.models.front().id}};
  std::fputs((line.dump() + "\n").c_str(), stdout);
  std::fflush(stdout);
}

void run(std::vector<std::string> arguments) {
  ServeContext context;
  std::erase_if(arguments, [&](const std::string& argument) {
    const bool key = argument.starts_with("api_key=");
    if (key) context.api_keys.push_back(argument.substr(8));
    return key;
  });
  Json recipe{{"http", {{"port", 0}}}};
  apply_overrides(recipe, arguments);
  const fs::path root = fs::temp_directory_path() / ("maru-serve-tool-" + std::to_string(::getpid()));
  make_model(root / "tiny");
  ThreadPool pool(1);
  CpuDevice device(&pool);
  serve(from_json<ServeConfig>(recipe, "serve"), std::move(context), {{.path = root / "tiny"}}, device, announce);
  fs::remove_all(root);
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
