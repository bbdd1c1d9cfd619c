// Models that our exporter wrote as GGUF, loaded back: the same parameters as the plain model's, exactly where nothing
// is quantized. The peers judge the files themselves in tests/reference.
#include <gmock/gmock.h>

#include <cmath>
#include <cstring>

#include "base/json.h"
#include "formats/block_quant.h"
#include "models/gguf_export.h"
#include "models/gguf_model.h"
#include "models/model_files.h"
#include "models/weight_source.h"
#include "models/weights.h"
#include "ops/quantized.h"
#include "tensor/cpu_device.h"

namespace maru {
namespace {

using formats::GgmlType;
using testing::HasSubstr;

class GgufLoad : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(home_); }
  void TearDown() override { fs::remove_all(home_); }

  /// A copy of a directory, its config.json changed.
  fs::path copied(const fs::path& model, const Json& changes) {
    fs::copy(model, home_ / "copy");
    Json config = read_json(home_ / "copy/config.json");
    config.update(changes);
    write_json(home_ / "copy/config.json", config);
    return home_ / "copy";
  }
  /// A Hugging Face directory as a GGUF file, without a tokenizer.
  fs::path converted(const fs::path& model, GgmlType type) {
    convert_to_gguf(model, home_ / "m.gguf", type, "m", [](formats::GgufWriter&, int64_t) {});
    return home_ / "m.gguf";
  }
  /// A random model of whole blocks.
  fs::path saved(Dtype dtype) {
    Decoder model(resolve({.vocab_size = 70,
                           .hidden_size = 64,
                           .intermediate_size = 96,
                           .num_hidden_layers = 2,
                           .num_attention_heads = 4,
                           .num_key_value_heads = 2,
                           .tie_word_embeddings = false}),
                  dtype);
    allocate_values(model);
    initialise(model, 3);
    model.save(home_ / "model");
    return home_ / "model";
  }
  /// A random Qwen3 MoE: the golden one has a layer without experts, and weights that do not sum to 1.
  fs::path saved_with_experts() {
    Decoder model(resolve({.vocab_size = 70,
                           .hidden_size = 64,
                           .intermediate_size = 96,
                           .num_hidden_layers = 2,
                           .num_attention_heads = 4,
                           .num_key_value_heads = 2,
                           .tie_word_embeddings = false,
                           .qk_norm = true,
                           .architecture = "Qwen3MoeForCausalLM",
                           .num_experts = 12,
                           .num_experts_per_tok = 3,
                           .moe_intermediate_size = 32}),
                  Dtype::kF32);
    allocate_values(model);
    initialise(model, 3);
    model.save(home_ / "model");
    return home_ / "model";
  }
  std::string error_of(const fs::path& path) {
    try {
      load_model(path);
      return "no error";
    } catch (const Failure& e) {
      return e.what();
    }
  }
  std::vector<float> floats(const Parameter& p) {
    Context ctx{device_, arena_};
    const Tensor value = p.quantized ? dequantize(ctx, p.quantized) : p.value;
    std::vector<float> result(static_cast<size_t>(value.size()));
    for (size_t i = 0; i < result.size(); ++i)
      result[i] = value.dtype() == Dtype::kBf16 ? to_float(value.data<bfloat16>()[i]) : value.data<float>()[i];
    return result;
  }
  std::vector<float> logits(Decoder& model) {
    Context ctx{device_, arena_};
    BatchBuilder builder;
    builder.add(std::vector<int32_t>{1, 5, 38, 9, 4, 40, 3, 7, 7, 2, 11});
    const Tensor y = model.logits(ctx, model.forward(ctx, builder.batch(ctx)));
    return {y.data<float>(), y.data<float>() + y.size()};
  }
  /// Queries and keys in the order of GGUF's llama: rows that are rotated together are neighbours.
  std::vector<float> as_gguf_has(const Parameter& p) {
    std::vector<float> values = floats(p);
    const bool queries = p.name.find(".q_proj.") != std::string::npos;
    if (queries || p.name.find(".k_proj.") != std::string::npos)
      interleave_rows(values, queries ? 64 : 32, queries ? 4 : 2);
    return values;
  }

  const fs::path home_ = fs::temp_directory_path() / ("maru_gguf_load_" + std::to_string(::getpid()));
  ThreadPool pool_{2};
  CpuDevice device_{&pool_};
  Arena arena_{device_, 1 << 24};
};

/// A configuration without what GGUF does not keep: initializer_range, and the rule behind Llama 3's frequencies.
/// Numbers are f32 there.
Json kept(const Decoder& model) {
  Json fields = to_json(model.config());
  for (const char* key : {"initializer_range", "rope_scaling"}) fields.erase(key);
  for (auto& item : fields.items())
    if (item.value().is_number_float()) item.value() = static_cast<float>(item.value().get<double>());
  return fields;
}

/// What GGUF cannot say of the golden models, in other words.
Json sayable(const std::string& family) {
  if (family == "qwen2") return {{"use_sliding_window", false}};
  if (family == "gemma2") return {{"query_pre_attn_scalar", 16}};
  if (family == "gemma3")
    return {{"layer_types", nullptr}, {"sliding_window_pattern", 6}, {"query_pre_attn_scalar", 16}};
  if (family == "mistral" || family == "mixtral" || family == "phi3") return {{"sliding_window", nullptr}};
  return Json::object();
}

class GgufFamilies : public GgufLoad, public testing::WithParamInterface<std::string> {};

TEST_P(GgufFamilies, ComeBackAsTheyWere) {
  const fs::path golden = "tests/golden/models/" + GetParam();
  const fs::path directory = GetParam() == "qwen3_moe" ? saved_with_experts() : copied(golden, sayable(GetParam()));
  const auto before = load_model(directory, Dtype::kF32);
  const auto after = load_model(converted(directory, GgmlType::kF32));
  EXPECT_EQ(Dtype::kF32, after->dtype());
  EXPECT_EQ(kept(*before), kept(*after));
  const auto a = before->parameters(), b = after->parameters();
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    const std::vector<float> x = floats(*a[i]), y = floats(*b[i]);
    const float slack = before->config().norm_weight_offset != 0 && is_vector(a[i]->role) ? 0x1p-22f : 0;
    ASSERT_EQ(x.size(), y.size());
    for (size_t j = 0; j < x.size(); ++j) ASSERT_NEAR(x[j], y[j], slack) << a[i]->name << " " << j;
  }
  const std::vector<float> expected = logits(*before), got = logits(*after);
  ASSERT_EQ(expected.size(), got.size());
  for (size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(expected[i], got[i], 1e-4) << "numbers of the file are f32";
}

INSTANTIATE_TEST_SUITE_P(All, GgufFamilies,
                         testing::Values("llama", "llama_bias_linear", "mixtral", "qwen2", "qwen3", "qwen3_moe",
                                         "granite", "gemma2", "gemma3", "phi3", "exaone", "exaone4_global", "gpt2",
                                         "gpt_neox", "gpt_neox_sequential", "solar_open"),
                         [](const auto& info) { return info.param; });

TEST_F(GgufLoad, LlamaThreeFrequenciesComeBackAsNumbers) {
  const auto before = load_model("tests/golden/models/llama");
  ASSERT_EQ("llama3", before->config().rope_scaling.rope_type);
  const auto after = load_model(converted(copied("tests/golden/models/llama", Json::object()), GgmlType::kF32));
  const auto frequencies = [](const DecoderConfig& c) {
    return rope_frequencies(c.rope_scaling, c.rope_theta, c.rotary_dim(), c.max_position_embeddings);
  };
  const RopeFrequencies a = frequencies(before->config()), b = frequencies(after->config());
  EXPECT_EQ(a.magnitude, b.magnitude);
  ASSERT_EQ(a.frequencies.size(), b.frequencies.size());
  for (size_t i = 0; i < a.frequencies.size(); ++i)
    EXPECT_NEAR(a.frequencies[i], b.frequencies[i], 1e-6 * a.frequencies[i]);
}

TEST_F(GgufLoad, Bf16IsTheSameBits) {
  const auto before = load_model(saved(Dtype::kBf16));
  const auto after = load_for_serving(device_.host(), converted(home_ / "model", GgmlType::kBf16));
  EXPECT_EQ(Dtype::kBf16, after->dtype());
  const auto a = before->parameters(), b = after->parameters();
  for (size_t i = 0; i < a.size(); ++i) {
    const std::vector<float> x = as_gguf_has(*a[i]), y = floats(*b[i]);
    ASSERT_EQ(x.size(), y.size());
    EXPECT_EQ(0, std::memcmp(x.data(), y.data(), x.size() * sizeof(float))) << a[i]->name;
  }
  EXPECT_TRUE(after->has_rotary_pairs());
}

// A directory's queries and keys have the halves of a head apart, which gives other sums of the same products.
TEST_F(GgufLoad, ServesTheLogitsOfTheDirectory) {
  for (const char* family : {"llama", "granite", "llama_bias_linear", "mistral", "mixtral"}) {
    const fs::path directory = copied(fs::path("tests/golden/models") / family, sayable(family));
    const auto file = load_for_serving(device_.host(), converted(directory, GgmlType::kF32));
    EXPECT_TRUE(file->has_rotary_pairs()) << family;
    const std::vector<float> expected = logits(*load_model(directory, Dtype::kF32)), got = logits(*file);
    ASSERT_EQ(expected.size(), got.size());
    for (size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(expected[i], got[i], 1e-4) << family;
    fs::remove_all(directory);
  }
}

class GgufBlocks : public GgufLoad, public testing::WithParamInterface<GgmlType> {};

TEST_P(GgufBlocks, StayTheSameIntegersWhereTheyAreMapped) {
  const fs::path file = converted(saved(Dtype::kF32), GetParam());
  const auto numbers = load_model(file, Dtype::kF32), integers = load_for_serving(device_.host(), file, Dtype::kF32);
  const auto a = numbers->parameters(), b = integers->parameters();
  for (size_t i = 0; i < a.size(); ++i) {
    const Parameter& p = *b[i];
    EXPECT_FALSE(a[i]->quantized);
    EXPECT_EQ(!is_vector(a[i]->role), static_cast<bool>(p.quantized)) << p.name;
    EXPECT_EQ(as_gguf_has(*a[i]), floats(p)) << p.name;
    if (!p.quantized) continue;
    EXPECT_EQ(QuantizedLayout::kBlocks, p.quantized.layout) << p.name;
    const bool table = a[i]->role == ParameterRole::kEmbedding || a[i]->role == ParameterRole::kHead;
    EXPECT_EQ(GetParam() == GgmlType::kQ8_0 || table ? QuantizedKind::kInt8 : QuantizedKind::kInt4, p.quantized.kind);
  }
}

// Phi-3's queries, keys and values are one tensor.
TEST_P(GgufBlocks, PartsOfATensorStayWhereTheyAreMapped) {
  const fs::path file =
      converted(copied("tests/golden/models/phi3",
                       {{"rope_scaling", nullptr}, {"rope_parameters", nullptr}, {"sliding_window", nullptr}}),
                GetParam());
  const auto numbers = load_model(file, Dtype::kF32), integers = load_for_serving(device_.host(), file, Dtype::kF32);
  const auto a = numbers->parameters(), b = integers->parameters();
  int mapped = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const Parameter& p = *b[i];
    EXPECT_EQ(floats(*a[i]), floats(p)) << p.name;
    mapped += p.quantized && p.name.find("self_attn") != std::string::npos;
  }
  EXPECT_EQ(4 * 3, mapped);
}

// Experts are one tensor for a layer, routers stay numbers.
TEST_P(GgufBlocks, ExpertsStayWhereTheyAreMapped) {
  const fs::path file = converted(saved_with_experts(), GetParam());
  const auto numbers = load_model(file, Dtype::kF32), integers = load_for_serving(device_.host(), file, Dtype::kF32);
  const auto a = numbers->parameters(), b = integers->parameters();
  int mapped = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const Parameter& p = *b[i];
    EXPECT_EQ(floats(*a[i]), floats(p)) << p.name;
    EXPECT_FALSE(p.quantized && p.name.ends_with("mlp.gate.weight")) << p.name;
    mapped += p.quantized && p.name.find("experts") != std::string::npos;
  }
  EXPECT_EQ(2 * 12 * 3, mapped);
}

TEST_F(GgufLoad, RefusesWhatLlamaCppWouldComputeOtherwise) {
  const auto refused = [&](const char* family, const Json& changes) {
    const fs::path directory = copied(fs::path("tests/golden/models") / family, changes);
    std::string message = "no error";
    try {
      converted(directory, GgmlType::kF32);
    } catch (const Failure& e) {
      message = e.what();
    }
    fs::remove_all(directory);
    return message;
  };
  EXPECT_THAT(refused("qwen3_moe", Json::object()), HasSubstr("mlp_only_layers cannot be exported to GGUF"));
  EXPECT_THAT(refused("qwen3_moe", {{"mlp_only_layers", Json::array()}}), HasSubstr("norm_topk_prob false cannot be"));
  EXPECT_THAT(refused("mixtral", Json::object()), HasSubstr("sliding_window 20 cannot be exported"));
  EXPECT_THAT(refused("phi3", Json::object()), HasSubstr("sliding_window 40 cannot be exported"));
  EXPECT_THAT(refused("gpt_neox", {{"tie_word_embeddings", true}}), HasSubstr("tie_word_embeddings cannot be"));
  EXPECT_THAT(refused("solar_open", {{"n_shared_experts", 0}}), HasSubstr("n_shared_experts 0 cannot be exported"));
  EXPECT_THAT(refused("mixtral", {{"sliding_window", nullptr}, {"num_local_experts", 5}}),
              HasSubstr("an expert of blk.0.ffn_gate_exps.weight is missing"));
  EXPECT_THAT(refused("mixtral", {{"sliding_window", nullptr}, {"num_local_experts", 3}}),
              HasSubstr("expected a matrix of one of 3 experts"));
}

INSTANTIATE_TEST_SUITE_P(All, GgufBlocks, testing::Values(GgmlType::kQ8_0, GgmlType::kQ4_0),
                         [](const auto& info) { return std::string(formats::name_of(info.param)); });

TEST_F(GgufLoad, ADirectoryMayHoldTheFile) {
  fs::create_directories(home_ / "d");
  fs::rename(converted(saved(Dtype::kF32), GgmlType::kQ8_0), home_ / "d/m.gguf");
  EXPECT_EQ("no error", error_of(home_ / "d"));
  EXPECT_EQ("LlamaForCausalLM", read_stored_config(home_ / "d").json["architectures"][0]);
  fs::copy_file(home_ / "d/m.gguf", home_ / "d/other.gguf");
  EXPECT_THAT(error_of(home_ / "d"), HasSubstr("has several .gguf files"));
}

TEST_F(GgufLoad, NamesWhatIsWrong) {
  const fs::path file = converted(saved(Dtype::kF32), GgmlType::kF32);
  std::string bytes = read_file(file);
  const auto replace = [&](const std::string& from, const std::string& to) {
    std::string edited = bytes;
    edited.replace(edited.find(from), to.size(), to);
    write_file(file, edited);
  };
  replace("blk.1.attn_q.weight", "blk.7.attn_q.weight");
  EXPECT_THAT(error_of(file), HasSubstr("tensor model.layers.1.self_attn.q_proj.weight is missing"));
  replace("blk.1.attn_q.weight", "blk.1.attn_v.weighs");
  EXPECT_THAT(error_of(file), HasSubstr("is missing"));
  replace("llama.block_count", "llama.block_cound");
  EXPECT_THAT(error_of(file), HasSubstr("llama.block_count is missing"));
}

}  // namespace
}  // namespace maru
