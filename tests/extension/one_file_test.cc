// A new architecture is one file. This one stands for it: all that is known of a family that nobody has heard of, and
// its line in the list (which replaces that of families/all.cc here, so that no other family is linked). With that it
// is read, computes what transformers found, is saved, and goes to GGUF and back.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>

#include "formats/safetensors.h"
#include "models/families/common.h"
#include "models/gguf_export.h"
#include "models/model_files.h"
#include "models/registry.h"
#include "tensor/cpu_device.h"

// --- the family --------------------------------------------------------------------------------------------------

namespace maru::families {
namespace {

constexpr FieldKey kKeys[] = {{"hidden_size", "width"}, {"num_hidden_layers", "depth"}};
constexpr WeightRule kWeights[] = {{"model.embed_tokens", "odd.table"},
                                   {"model.layers.*.self_attn.q_proj", "odd.step.*.look.asks"},
                                   {"model.layers.*.self_attn.k_proj", "odd.step.*.look.keys"},
                                   {"model.layers.*.self_attn.v_proj", "odd.step.*.look.values"},
                                   {"model.layers.*.self_attn.o_proj", "odd.step.*.look.out"},
                                   {"model.layers.*.input_layernorm", "odd.step.*.before"},
                                   {"model.layers.*.post_attention_layernorm", "odd.step.*.between"},
                                   {"model.layers.*.mlp.gate_proj", "odd.step.*.gate"},
                                   {"model.layers.*.mlp.up_proj", "odd.step.*.up"},
                                   {"model.layers.*.mlp.down_proj", "odd.step.*.down"},
                                   {"model.norm", "odd.last"}};
constexpr NamePair kOuter[] = {{"odd.table", "token_embd"}, {"odd.last", "output_norm"}, {"lm_head", "output"}};
constexpr NamePair kBlock[] = {{"look.asks", "attn_q"},     {"look.keys", "attn_k"}, {"look.values", "attn_v"},
                               {"look.out", "attn_output"}, {"before", "attn_norm"}, {"between", "ffn_norm"},
                               {"gate", "ffn_gate"},        {"up", "ffn_up"},        {"down", "ffn_down"}};

}  // namespace

extern constinit const Family kOdd{.name = "OddForCausalLM",
                                   .model_type = "odd",
                                   .families = "Odd",
                                   .defaults = R"({"rms_norm_eps": 1e-6})",
                                   .keys = kKeys,
                                   .weights = kWeights,
                                   .gguf = {.name = "odd", .layers = "odd.step.", .outer = kOuter, .block = kBlock}};

}  // namespace maru::families

namespace maru {

std::span<const Family* const> all_families() {
  static constexpr const Family* kAll[] = {&families::kOdd};
  return kAll;
}

// --- its golden: Llama's, under its own names -----------------------------------------------------------------------

namespace {

const fs::path kLlama = "tests/golden/models/llama";

std::string renamed(std::string name) {
  const std::pair<const char*, const char*> names[] = {{"model.layers.", "odd.step."},
                                                       {"model.embed_tokens", "odd.table"},
                                                       {"model.norm", "odd.last"},
                                                       {"self_attn.q_proj", "look.asks"},
                                                       {"self_attn.k_proj", "look.keys"},
                                                       {"self_attn.v_proj", "look.values"},
                                                       {"self_attn.o_proj", "look.out"},
                                                       {"post_attention_layernorm", "between"},
                                                       {"input_layernorm", "before"},
                                                       {"mlp.gate_proj", "gate"},
                                                       {"mlp.up_proj", "up"},
                                                       {"mlp.down_proj", "down"}};
  for (const auto& [from, to] : names)
    if (const size_t at = name.find(from); at != std::string::npos) name.replace(at, std::strlen(from), to);
  return name;
}

class OneFile : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(home_);
    Json config = read_json(kLlama / "config.json");
    config["architectures"] = {"OddForCausalLM"};
    config["width"] = config["hidden_size"], config["depth"] = config["num_hidden_layers"];
    for (const char* key : {"hidden_size", "num_hidden_layers", "model_type"}) config.erase(key);
    write_json(home_ / "config.json", config);
    const formats::SafetensorsFile file = formats::SafetensorsFile::open(kLlama / "model.safetensors").value();
    std::vector<formats::SafetensorsItem> items;
    for (const auto& [name, tensor] : file.entries())
      items.push_back({renamed(name), tensor.dtype, tensor.shape, tensor.bytes});
    formats::write_safetensors(home_ / "model.safetensors", items);
  }
  void TearDown() override { fs::remove_all(home_); }

  template <class T>
  std::vector<T> expected(const char* name) {
    const formats::SafetensorsFile file = formats::SafetensorsFile::open(kLlama / "expected.safetensors").value();
    const std::span<const std::byte> bytes = file.entries().at(name).bytes;
    std::vector<T> values(bytes.size() / sizeof(T));
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
  void expect_logits(const fs::path& path) {
    const auto model = load_model(path, Dtype::kF32);
    EXPECT_EQ("OddForCausalLM", model->config().architecture);
    ThreadPool pool{1};
    CpuDevice device(&pool);
    Arena arena(device, 1 << 24);
    Context ctx{device, arena};
    BatchBuilder builder;
    builder.add(expected<int32_t>("prompt"));
    const Tensor y = model->logits(ctx, model->forward(ctx, builder.batch(ctx)));
    const std::vector<float> logits = expected<float>("logits");
    ASSERT_EQ(static_cast<int64_t>(logits.size()), y.size());
    for (size_t i = 0; i < logits.size(); ++i)
      ASSERT_NEAR(logits[i], y.data<float>()[i], 1e-4 * (1 + std::abs(logits[i]))) << path << " " << i;
  }

  const fs::path home_ = fs::temp_directory_path() / ("maru_one_file_" + std::to_string(::getpid()));
};

TEST_F(OneFile, IsAllThatAFamilyNeeds) {
  expect_logits(home_);
  load_model(home_)->save(home_ / "saved");
  EXPECT_EQ(32, read_json(home_ / "saved/config.json")["width"]);
  expect_logits(home_ / "saved");
  convert_to_gguf(home_, home_ / "m.gguf", formats::GgmlType::kF32, "odd", [](formats::GgufWriter&, int64_t) {});
  expect_logits(home_ / "m.gguf");
}

}  // namespace
}  // namespace maru
