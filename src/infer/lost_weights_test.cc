// A weight file that is cut short or written to while it is served: the step fails with data_loss, the process lives,
// and a model that is loaded again answers as before.
#include <gmock/gmock.h>

#include <fstream>
#include <functional>

#include "base/json.h"
#include "infer/fake_model.h"
#include "infer/generate.h"
#include "infer/gguf_text.h"
#include "infer/loaded_model.h"
#include "models/gguf_export.h"
#include "models/model_files.h"
#include "models/quantize.h"
#include "models/quantized_files.h"
#include "models/weights.h"
#include "tensor/cpu_device.h"
#include "text/tokenizer/files/tokenizer_json.h"

namespace maru::infer {
namespace {

using testing::HasSubstr;

enum class Kind { kF32, kBf16, kPanels, kGguf, kGgufQ8 };

struct Harm {
  const char* name;
  const char* says;
  std::function<void(const fs::path&)> done;
};

void write_at(const fs::path& path, size_t offset, std::string_view bytes) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(offset));
  file << bytes;
}

const std::vector<Harm>& harms() {
  static const std::vector<Harm> kHarms{
      {"emptied", "was cut short", [](const fs::path& p) { fs::resize_file(p, 0); }},
      {"cut to its header", "was cut short", [](const fs::path& p) { fs::resize_file(p, 8192); }},
      {"cut by a byte", "was cut short", [](const fs::path& p) { fs::resize_file(p, fs::file_size(p) - 1); }},
      {"cut in half", "was cut short", [](const fs::path& p) { fs::resize_file(p, fs::file_size(p) / 2); }},
      {"written over", "was written to",
       [](const fs::path& p) { write_at(p, 0, std::string(fs::file_size(p), '\x7f')); }},
      {"one byte changed", "was written to", [](const fs::path& p) { write_at(p, fs::file_size(p) / 2, "!"); }},
      {"longer", "was written to", [](const fs::path& p) { write_at(p, fs::file_size(p), "!"); }},
      {"cut and filled again", "while it was in use",
       [](const fs::path& p) {
         const std::string bytes = read_file(p);
         fs::resize_file(p, 0);
         write_at(p, 0, bytes);
       }},
  };
  return kHarms;
}

class LostWeights : public testing::TestWithParam<Kind> {
 protected:
  const fs::path root_ = fs::temp_directory_path() / ("maru_lost_weights_" + std::to_string(::getpid()));
  ThreadPool pool_{2};
  CpuDevice device_{&pool_};

  /// The model's path; the file that holds its weights is weights().
  fs::path saved() {
    const bool bf16 = GetParam() == Kind::kBf16;
    Decoder model(resolve({.vocab_size = 261,
                           .hidden_size = 64,
                           .intermediate_size = 128,
                           .num_hidden_layers = 2,
                           .num_attention_heads = 4,
                           .num_key_value_heads = 2,
                           .max_position_embeddings = 256,
                           .initializer_range = 0.3}),
                  bf16 ? Dtype::kBf16 : Dtype::kF32);
    allocate_values(model);
    initialise(model, 3);
    if (GetParam() == Kind::kPanels) quantize_weights(device_, model, QuantizedKind::kInt8);
    fs::create_directories(root_ / "m");
    model.save(root_ / "m");
    if (GetParam() == Kind::kPanels) {
      Json config = read_json(root_ / "m" / "config.json");
      config["quantization_config"] = quantization_json(QuantizedKind::kInt8, QuantizedKind::kInt8, "none");
      write_json(root_ / "m" / "config.json", config);
    }
    write_file(root_ / "m" / "tokenizer.json", text::write_tokenizer_json(byte_tokenizer().spec()));
    if (GetParam() != Kind::kGguf && GetParam() != Kind::kGgufQ8) return root_ / "m";
    const auto type = GetParam() == Kind::kGguf ? formats::GgmlType::kF32 : formats::GgmlType::kQ8_0;
    convert_to_gguf(root_ / "m", root_ / "m.gguf", type, "m",
                    [&](formats::GgufWriter& w, int64_t size) { put_text(w, root_ / "m", "", size); });
    return root_ / "m.gguf";
  }
  static fs::path weights(const fs::path& model) {
    return fs::is_directory(model) ? model / "model.safetensors" : model;
  }
  std::string answer(LoadedModel& model) {
    Engine engine(model.runner(), model.tokenizer(), {.max_running = 2});
    return answer(engine);
  }
  static std::string answer(Engine& engine) {
    return generate(engine, {.prompt = {0, 70, 71}, .seed = 4, .max_tokens = 20, .ignore_eos = true}).text;
  }
  /// The answer from before.
  std::string harmed(const fs::path& path, const Harm& harm) {
    LoadedModel model(path, device_, {});
    Engine engine(model.runner(), model.tokenizer(), {.max_running = 2});
    std::string text = answer(engine);
    harm.done(weights(path));
    for (int i = 0; i < 2; ++i) {
      try {
        ADD_FAILURE() << harm.name << ": answered " << answer(engine);
      } catch (const Failure& failure) {
        EXPECT_EQ(ErrorCode::kDataLoss, failure.code()) << failure.what();
        EXPECT_THAT(failure.what(), HasSubstr(weights(path).filename().string() + ": ")) << harm.name;
        EXPECT_THAT(failure.what(), HasSubstr(harm.says)) << harm.name;
      }
    }
    return text;
  }
  void TearDown() override { fs::remove_all(root_); }
};

TEST_P(LostWeights, TheStepFailsByNameAndTheProcessLives) {
  for (const Harm& harm : harms()) {
    fs::remove_all(root_);
    const fs::path path = saved();
    const std::string before = read_file(weights(path));
    fs::last_write_time(weights(path), fs::file_time_type::clock::now() - std::chrono::hours(1));
    const std::string text = harmed(path, harm);
    write_file(weights(path), before);
    LoadedModel again(path, device_, {});
    EXPECT_EQ(text, answer(again)) << harm.name << ", restored and loaded again";
  }
}

TEST_P(LostWeights, ReplacingByRenamingHarmsNobody) {
  const fs::path path = saved();
  LoadedModel model(path, device_, {});
  const std::string text = answer(model);
  write_file(weights(path), "another");
  EXPECT_EQ(text, answer(model));
  fs::remove(weights(path));
  EXPECT_EQ(text, answer(model));
}

std::string name_of_kind(const testing::TestParamInfo<Kind>& info) {
  static const char* const kNames[] = {"F32", "Bf16", "Panels", "Gguf", "GgufQ8"};
  return kNames[static_cast<int>(info.param)];
}

INSTANTIATE_TEST_SUITE_P(Files, LostWeights,
                         testing::Values(Kind::kF32, Kind::kBf16, Kind::kPanels, Kind::kGguf, Kind::kGgufQ8),
                         name_of_kind);

}  // namespace
}  // namespace maru::infer
