// Adapters beside the weights against the same adapters merged into the files: every architecture whose golden model is
// there, every kind. What is merged how is shown in formats/lora_test.cc and, with peft, in tests/reference.
#include "models/adapter.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstring>

#include "base/random.h"
#include "formats/safetensors_writer.h"
#include "models/gguf_export.h"
#include "models/model_files.h"
#include "models/quantize.h"
#include "models/weights.h"
#include "ops/quantized.h"
#include "tensor/cpu_device.h"

namespace maru {
namespace {

using testing::HasSubstr;

constexpr int64_t kRank = 3;

struct Values {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<float> values;
};

double relative_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double error = 0, size = 0;
  for (size_t i = 0; i < a.size(); ++i) error += std::pow(a[i] - b[i], 2), size += b[i] * b[i];
  return std::sqrt(error / size);
}

const std::vector<int32_t> kTokens = {1, 5, 38, 9, 4, 40, 3, 7, 7, 2, 11};

class AdapterTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(home_);
    fs::create_directories(home_ / "adapter");
    fs::create_directories(home_ / "merged");
  }
  void TearDown() override { fs::remove_all(home_); }

  Values random(const std::string& name, std::vector<int64_t> shape, double deviation, double mean = 0) {
    int64_t size = 1;
    for (const int64_t n : shape) size *= n;
    Values v{"base_model.model." + name, std::move(shape), {}};
    for (int64_t i = 0; i < size; ++i) v.values.push_back(static_cast<float>(mean + deviation * random_.normal()));
    return v;
  }
  /// lora_A and lora_B of a module, and DoRA's lengths if wanted.
  void add(std::vector<Values>& to, const std::string& module, int64_t out, int64_t in, bool dora = false) {
    to.push_back(random(module + ".lora_A.weight", {kRank, in}, 0.5));
    to.push_back(random(module + ".lora_B.weight", {out, kRank}, 0.5));
    if (dora) to.push_back(random(module + ".lora_magnitude_vector", {out}, 0.3, 1.5));
  }
  const fs::path& write(const std::vector<Values>& tensors, const Json& changes = Json::object()) {
    Json config{{"peft_type", "LORA"}, {"r", kRank}, {"lora_alpha", 2}};
    config.update(changes);
    write_json(home_ / "adapter" / "adapter_config.json", config);
    formats::SafetensorsWriter writer(home_ / "adapter" / "adapter_model.safetensors");
    for (const Values& t : tensors) writer.declare(t.name, "F32", t.shape);
    for (const Values& t : tensors) writer.write(std::as_bytes(std::span(t.values)));
    writer.commit();
    return adapter_;
  }
  std::unique_ptr<Decoder> load(const fs::path& directory, Dtype dtype = Dtype::kF32) {
    return load_model(directory, dtype);
  }
  /// The golden model with the adapter merged into files of f32, so that nothing is rounded on the way.
  std::unique_ptr<Decoder> merged(const fs::path& model) {
    load_model(model, Dtype::kF32)->save(home_ / "base");
    merge_into_model(home_ / "base", formats::LoraAdapter(adapter_), home_ / "merged");
    return load(home_ / "merged");
  }
  std::vector<float> logits(Decoder& model, Adapter* adapter = nullptr, const std::vector<int32_t>& tokens = kTokens) {
    return logits_on(device_, model, adapter, tokens);
  }
  std::vector<float> logits_on(Device& device, Decoder& model, Adapter* adapter = nullptr,
                               const std::vector<int32_t>& tokens = kTokens) {
    Context ctx{device, arena_};
    if (adapter != nullptr) ctx.adapters = &adapter->everywhere();
    BatchBuilder builder;
    builder.add(tokens);
    const Tensor y = model.logits(ctx, model.forward(ctx, builder.batch(ctx)));
    return {y.data<float>(), y.data<float>() + y.size()};
  }
  /// The plain weights become those that the quantized ones stand for.
  void take_values(Decoder& plain, Decoder& quantized) {
    const auto from = quantized.parameters(), to = plain.parameters();
    for (size_t i = 0; i < to.size(); ++i) {
      if (!from[i]->quantized) continue;
      Context ctx{device_, arena_};
      const Tensor values = dequantize(ctx, from[i]->quantized);
      to[i]->value = host_tensor(to[i]->shape, Dtype::kF32);
      std::memcpy(to[i]->value.data<float>(), values.data<float>(), values.bytes());
    }
  }
  std::string error_of(const std::vector<Values>& tensors, const std::string& model) {
    const auto loaded = load(kGoldens / model);
    try {
      Adapter(device_, *loaded, write(tensors));
      return "no error";
    } catch (const Failure& e) {
      return e.what();
    }
  }
  /// An adapter of every matrix of a model's files that can have one.
  std::vector<Values> everywhere(const fs::path& model, bool dora) {
    const formats::WeightFiles files(model);
    const bool tied = load_model(model)->config().tie_word_embeddings, across = is_gpt2(model);
    std::vector<Values> tensors;
    for (const formats::StoredTensor& t : files.tensors()) {
      const auto has = [&](const char* part) { return t.name.find(part) != std::string::npos; };
      const bool head = has("lm_head") || has("embed_out"), table = has("embed_") || has(".wte") || has(".wpe");
      if (t.shape.size() != 2 || has(".experts.") || (head ? tied : table)) continue;
      const std::string module = t.name.substr(0, t.name.rfind('.'));
      add(tensors, module, t.shape[across ? 1 : 0], t.shape[across ? 0 : 1], dora);
    }
    return tensors;
  }
  static bool is_gpt2(const fs::path& model) { return model.filename() == "gpt2"; }

  inline static const fs::path kGoldens = "tests/golden/models";
  const fs::path home_ = fs::temp_directory_path() / ("maru_adapter_" + std::to_string(::getpid()));
  const fs::path adapter_ = home_ / "adapter";
  ThreadPool pool_{2};
  CpuDevice device_{&pool_};
  Arena arena_{device_, 1 << 24};
  Random random_{3};
};

class AdapterOf : public AdapterTest, public testing::WithParamInterface<std::string> {};

TEST_P(AdapterOf, EveryMatrixAsIfMerged) {
  const fs::path golden = kGoldens / GetParam();
  for (const Json& kind : {Json::object(), Json{{"use_rslora", true}}, Json{{"use_dora", true}}}) {
    Json changes = kind;
    changes["fan_in_fan_out"] = kind.empty() != is_gpt2(golden);  // wrong once, for the model's layout decides
    write(everywhere(golden, kind.contains("use_dora")), changes);
    const auto model = load(golden);
    const std::vector<float> before = logits(*model);
    Adapter adapter(device_, *model, adapter_);
    const std::vector<float> with = logits(*model, &adapter), expected = logits(*merged(golden));
    EXPECT_LT(relative_difference(with, expected), 2e-5) << kind;
    EXPECT_GT(relative_difference(with, before), 0.1) << kind;
    EXPECT_EQ(before, logits(*model)) << "bit for bit as it was";
  }
}

INSTANTIATE_TEST_SUITE_P(Families, AdapterOf,
                         testing::Values("llama", "llama_bias_linear", "qwen2", "qwen3", "exaone", "gemma2", "gemma3",
                                         "phi3", "gpt_neox", "gpt2", "granite", "hyperclovax", "mixtral", "solar_open"),
                         [](const auto& info) { return info.param; });

TEST_F(AdapterTest, MergingKnowsALayoutByTheArchitectureAlone) {
  const auto error_of = [&](const Json& config, bool said) {
    write({random("h.0.lora_A.weight", {kRank, 4}, 1), random("h.0.lora_B.weight", {4, kRank}, 1)},
          {{"fan_in_fan_out", said}});
    fs::create_directories(home_ / "other");
    write_json(home_ / "other" / "config.json", config);
    formats::SafetensorsWriter weights(home_ / "other" / "model.safetensors");
    const std::vector<float> zeros(16);
    weights.declare("h.0.weight", "F32", {4, 4});
    weights.write(std::as_bytes(std::span(zeros)));
    weights.commit();
    try {
      merge_into_model(home_ / "other", formats::LoraAdapter(adapter_), home_ / "merged");
      return std::string("no error");
    } catch (const Failure& e) {
      return std::string(e.what());
    }
  };
  const Json unknown{{"architectures", {"OddForCausalLM"}}, {"model_type", "odd"}};
  EXPECT_EQ("no error", error_of(unknown, false)) << "a Linear's";
  EXPECT_THAT(error_of(unknown, true), HasSubstr("the architecture is not known, nor whether its matrices"));
  EXPECT_THAT(error_of({{"model_type", "openai-gpt"}}, false), HasSubstr("the architecture is not known"));
  for (const Json& known : {Json{{"model_type", "gpt2"}}, Json{{"architectures", {"LlamaForCausalLM"}}}})
    for (const bool said : {false, true}) EXPECT_EQ("no error", error_of(known, said)) << known;
}

TEST_F(AdapterTest, TablesHeadsNormsAndBiases) {
  const fs::path golden = kGoldens / "qwen2";
  const DecoderConfig c = load_model(golden)->config();
  ASSERT_FALSE(c.tie_word_embeddings);
  const int64_t vocab = c.vocab_size, dim = c.hidden_size;
  std::vector<Values> tensors{random("model.embed_tokens.lora_embedding_A", {kRank, vocab}, 0.5),
                              random("model.embed_tokens.lora_embedding_B", {dim, kRank}, 0.5),
                              random("model.norm.weight", {dim}, 0.2, 1),
                              random("model.layers.1.self_attn.q_proj.bias", {c.num_attention_heads * c.head_dim}, 0.5),
                              random("model.layers.0.mlp.up_proj.weight", {c.intermediate_size, dim}, 0.1)};
  add(tensors, "lm_head", vocab, dim, true);
  write(tensors);
  const auto model = load(golden);
  const std::vector<float> before = logits(*model);
  Adapter adapter(device_, *model, adapter_);
  EXPECT_EQ(5u, adapter.size());
  const std::vector<float> with = logits(*model, &adapter);
  EXPECT_LT(relative_difference(with, logits(*merged(golden))), 2e-5);
  EXPECT_GT(relative_difference(with, before), 0.1);
  EXPECT_EQ(before, logits(*model));
}

// A tied table: what changes the one does not change the other.
TEST_F(AdapterTest, ATiedHeadGoesItsOwnWay) {
  const auto tied = load(kGoldens / "gemma2");
  ASSERT_TRUE(tied->config().tie_word_embeddings);
  const int64_t vocab = tied->config().vocab_size, dim = tied->config().hidden_size;
  const std::vector<float> before = logits(*tied);
  for (const bool head : {false, true}) {
    std::vector<Values> tensors;
    if (head) {
      add(tensors, "lm_head", vocab, dim);
    } else {
      tensors = {random("model.embed_tokens.lora_embedding_A", {kRank, vocab}, 0.1),
                 random("model.embed_tokens.lora_embedding_B", {dim, kRank}, 0.1)};
    }
    const formats::LoraAdapter stored(write(tensors));
    Adapter adapter(device_, *tied, adapter_);
    const std::vector<float> with = logits(*tied, &adapter);
    EXPECT_EQ(before, logits(*tied));
    const auto other = load(kGoldens / "gemma2");  // the same by replacing one of two tables
    other->separate_head();
    for (Parameter* parameter : other->parameters()) {
      if (!stored.changes(parameter->name)) continue;
      std::vector<float> values(parameter->value.data<float>(), parameter->value.data<float>() + vocab * dim);
      stored.merge(parameter->name, vocab, dim, false, values);
      auto memory = std::make_shared<std::vector<float>>(std::move(values));
      parameter->value = Tensor(memory, memory->data(), {vocab, dim}, Dtype::kF32);
    }
    EXPECT_LT(relative_difference(with, logits(*other)), 2e-5) << head;
    EXPECT_GT(relative_difference(with, before), 0.01) << head;
  }
}

// The base weights keep their 8 or 4 bits; DoRA's lengths are those of what they stand for.
TEST_F(AdapterTest, QuantizedWeightsStayQuantized) {
  const fs::path golden = kGoldens / "llama";
  for (const bool dora : {false, true})
    for (const QuantizedKind kind : {QuantizedKind::kInt8, QuantizedKind::kInt4}) {
      write(everywhere(golden, dora), {{"use_dora", dora}});
      const auto quantized = load(golden), plain = load(golden);
      quantize_weights(device_, *quantized, kind);
      take_values(*plain, *quantized);
      const std::vector<float> before = logits(*plain);
      const double rounding = relative_difference(logits(*quantized), before);  // of activations, to 8 bits
      Adapter a(device_, *quantized, adapter_), b(device_, *plain, adapter_);
      const std::vector<float> with = logits(*quantized, &a), expected = logits(*plain, &b);
      EXPECT_LT(relative_difference(with, expected), 3 * rounding) << "which the adapter may amplify";
      EXPECT_GT(relative_difference(with, before), 0.1);
      for (Parameter* parameter : quantized->parameters())
        EXPECT_EQ(static_cast<bool>(parameter->quantized), !is_vector(parameter->role)) << parameter->name;
    }
}

// QLoRA: loss and gradients beside quantized weights are those beside plain weights of the same values, bit for bit.
TEST_F(AdapterTest, LearnsBesideQuantizedWeightsAsBesideWhatTheyStandFor) {
  for (const char* name : {"llama", "gemma2", "phi3"})
    for (const QuantizedKind kind : {QuantizedKind::kInt8, QuantizedKind::kInt4}) {
      const auto quantized = load(kGoldens / name), plain = load(kGoldens / name);
      quantize_weights(device_, *quantized, kind);
      take_values(*plain, *quantized);
      const auto learn = [&](Decoder& model) {
        Adapter adapter(device_, model, LoraConfig{.rank = 4}, 3);
        for (Parameter* p : adapter.parameters())
          if (p->name.ends_with("lora_B"))
            for (int64_t i = 0; i < p->value.size(); ++i) p->value.data<float>()[i] = 0.01F * static_cast<float>(i % 7);
        allocate_gradients(device_, adapter);
        Tape tape;
        Context ctx{device_, arena_, &tape};
        ctx.adapters = &adapter.everywhere();
        BatchBuilder builder;
        builder.add(kTokens);
        std::vector<int32_t> targets(kTokens.begin() + 1, kTokens.end());
        targets.push_back(-1);
        const Tensor wanted = ctx.upload(targets.data(), {static_cast<int64_t>(targets.size()), 1}, Dtype::kI32);
        const Tensor loss = model.loss(ctx, model.forward(ctx, builder.batch(ctx)), wanted, 0.1);
        tape.backward(ctx, loss);
        std::vector<float> all{*loss.data<float>()};
        for (Parameter* p : adapter.parameters())
          all.insert(all.end(), p->gradient.data<float>(), p->gradient.data<float>() + p->gradient.size());
        return all;
      };
      const std::vector<float> got = learn(*quantized);
      EXPECT_EQ(learn(*plain), got) << name;
      EXPECT_GT(std::count_if(got.begin(), got.end(), [](float x) { return x != 0; }), std::ssize(got) / 2) << name;
    }
}

// Its queries and keys lie in another order, which adapters are not made for.
TEST_F(AdapterTest, AGgufFileTakesItAsItsDirectoryDoes) {
  fs::copy(kGoldens / "llama", home_ / "base");
  convert_to_gguf(home_ / "base", home_ / "m.gguf", formats::GgmlType::kF32, "m", [](formats::GgufWriter&, int64_t) {});
  const auto directory = load(home_ / "base"), file = load_for_serving(device_.host(), home_ / "m.gguf");
  ASSERT_TRUE(file->has_rotary_pairs());
  const std::vector<float> before = logits(*directory);
  const DecoderConfig& c = directory->config();
  std::vector<Values> tensors;
  add(tensors, "model.layers.0.self_attn.q_proj", c.num_attention_heads * c.head_dim, c.hidden_size, true);
  add(tensors, "model.layers.0.self_attn.k_proj", c.num_key_value_heads * c.head_dim, c.hidden_size, true);
  write(tensors, {{"use_dora", true}});
  Adapter a(device_, *directory, adapter_), b(device_, *file, adapter_);
  const std::vector<float> expected = logits(*directory, &a), got = logits(*file, &b);
  ASSERT_EQ(expected.size(), got.size());
  double moved = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(expected[i], got[i], 1e-4);
    moved = std::max(moved, std::abs(double{expected[i]} - before[i]));
  }
  EXPECT_GT(moved, 0.01);
}

TEST_F(AdapterTest, ARowOfLogitsDependsNeitherOnCompanyNorThreads) {
  for (const char* name : {"phi3", "gemma2"})
    for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16}) {
      write(everywhere(kGoldens / name, true));
      const auto model = load(kGoldens / name, dtype);
      Adapter adapter(device_, *model, adapter_);
      const std::vector<float> all = logits(*model, &adapter), few = logits(*model, &adapter, {1, 5, 38});
      for (size_t i = 0; i < few.size(); ++i) ASSERT_EQ(all[i], few[i]) << name;
      ThreadPool one(1);
      CpuDevice alone(&one);
      EXPECT_EQ(all, logits_on(alone, *model, &adapter)) << name;
    }
}

// Sequences of two adapters and of none in one batch: what each row sees is its own.
class SeveralAdapters : public AdapterOf {
 protected:
  /// Logits of sequences one behind the other, each with its adapter.
  std::vector<float> together(Decoder& model, const std::vector<std::vector<int32_t>>& texts,
                              const std::vector<Adapter*>& adapters) {
    AdapterRuns runs;
    BatchBuilder builder;
    for (size_t i = 0; i < texts.size(); ++i) {
      builder.add(texts[i]);
      add_rows(runs, static_cast<int64_t>(texts[i].size()), adapters[i] != nullptr ? &adapters[i]->weights() : nullptr);
    }
    Context ctx{.device = device_, .arena = arena_, .adapters = &runs};
    const Tensor y = model.logits(ctx, model.forward(ctx, builder.batch(ctx)));
    return {y.data<float>(), y.data<float>() + y.size()};
  }
  void expect_each_as_alone(Decoder& model, Adapter& one, Adapter& other) {
    const std::vector<std::vector<int32_t>> texts{{1, 5, 38}, {9, 4, 40, 3}, {7}, kTokens, {2, 11}, {3, 3, 3}};
    const std::vector<Adapter*> adapters{&one, nullptr, &other, &one, &one, nullptr};
    std::vector<float> expected;
    for (size_t i = 0; i < texts.size(); ++i) {
      const std::vector<float> alone = logits(model, adapters[i], texts[i]);
      expected.insert(expected.end(), alone.begin(), alone.end());
    }
    EXPECT_EQ(expected, together(model, texts, adapters));
  }
};

TEST_P(SeveralAdapters, EveryRowHasTheBitsOfItsAdapterAlone) {
  const fs::path golden = kGoldens / GetParam();
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16})
    for (const bool quantized : {false, true}) {
      const auto model = load(golden, dtype);
      if (quantized) quantize_weights(device_, *model, QuantizedKind::kInt8);
      Adapter plain(device_, *model, write(everywhere(golden, false)));
      Adapter lengths(device_, *model, write(everywhere(golden, true), {{"use_dora", true}}));
      expect_each_as_alone(*model, plain, lengths);
    }
}

// What stands in a parameter's place: tables, biases, norms, matrices, experts, a head with a bias of its own choice.
TEST_P(SeveralAdapters, SoHaveRowsOfReplacedParameters) {
  const fs::path golden = kGoldens / GetParam();
  const auto model = load(golden);
  const formats::WeightFiles files(golden);
  std::vector<Values> few, all;
  for (const formats::StoredTensor& t : files.tensors()) {
    // Merged, a tied table is the head too.
    const bool table = t.name.find("embed_tokens") != std::string::npos || t.name.find(".wte") != std::string::npos;
    if (table && model->config().tie_word_embeddings) continue;
    const double deviation = t.shape.size() > 1 ? 0.1 : 0.3;
    all.push_back(random(t.name, t.shape, deviation, t.shape.size() > 1 ? 0 : 1));
    if (few.size() < 6 && t.shape.size() == 1) few.push_back(random(t.name, t.shape, deviation, 1));
  }
  Adapter one(device_, *model, write(all));
  EXPECT_LT(relative_difference(logits(*model, &one), logits(*merged(golden))), 2e-5);
  Adapter other(device_, *model, write(few));
  ASSERT_GT(one.size(), other.size());
  expect_each_as_alone(*model, one, other);
}

INSTANTIATE_TEST_SUITE_P(Families, SeveralAdapters,
                         testing::Values("qwen2", "gemma2", "gemma3", "phi3", "gpt_neox", "gpt2", "mixtral",
                                         "solar_open"),
                         [](const auto& info) { return info.param; });

// Gemma 2 caps its logits: with an update beside the head the sum is capped, without one the product.
TEST_P(SeveralAdapters, SoHaveLogitsOfAHeadThatSomeChange) {
  const auto model = load(kGoldens / GetParam());
  std::vector<Values> head;
  add(head, GetParam() == "gpt_neox" ? "embed_out" : "lm_head", model->config().vocab_size,
      model->config().hidden_size);
  Adapter changed(device_, *model, write(head));
  Adapter other(device_, *model, write(everywhere(kGoldens / GetParam(), false)));
  expect_each_as_alone(*model, changed, other);
}

TEST_F(AdapterTest, ALossOfRowsOfSeveralAdaptersIsRefused) {
  const auto model = load(kGoldens / "llama");
  Adapter adapter(device_, *model, write(everywhere(kGoldens / "llama", false)));
  const AdapterRuns runs{{5, &adapter.weights()}, {6, nullptr}};
  BatchBuilder builder;
  builder.add(kTokens);
  Context ctx{.device = device_, .arena = arena_, .adapters = &runs};
  const Batch batch = builder.batch(ctx);
  EXPECT_THROW(model->loss(ctx, model->forward(ctx, batch), batch.tokens, 1), Failure);
}

TEST_F(AdapterTest, Bf16IsNearF32) {
  write(everywhere(kGoldens / "phi3", true));
  const auto f32 = load(kGoldens / "phi3"), bf16 = load(kGoldens / "phi3", Dtype::kBf16);
  Adapter a(device_, *f32, adapter_), b(device_, *bf16, adapter_);
  EXPECT_LT(relative_difference(logits(*bf16, &b), logits(*f32, &a)), 0.03);
}

TEST_F(AdapterTest, RefusesWhatWasMadeForAnotherModel) {
  std::vector<Values> wrong, unknown, experts, vector;
  add(wrong, "model.layers.0.self_attn.q_proj", 5, 64);
  add(unknown, "model.layers.99.self_attn.q_proj", 64, 64);
  add(experts, "model.layers.0.block_sparse_moe.experts.1.w1", 64, 64);
  add(vector, "model.norm", 1, 64);
  EXPECT_THAT(error_of(wrong, "llama"), HasSubstr("self_attn.q_proj.weight: made for [5, 64], the model has ["));
  EXPECT_THAT(error_of(unknown, "llama"), HasSubstr("has no tensor model.layers.99.self_attn.q_proj.weight"));
  EXPECT_THAT(error_of(experts, "mixtral"), HasSubstr("adapters of single experts are not supported"));
  EXPECT_THAT(error_of(vector, "llama"), HasSubstr("model.norm.weight: made for"));
  EXPECT_THAT(error_of({random("model.norm.weight", {3}, 1)}, "llama"), HasSubstr("shape [3], the model has ["));
  EXPECT_THAT(error_of({random("transformer.wpe.lora_embedding_A", {kRank, 9}, 1),
                        random("transformer.wpe.lora_embedding_B", {9, kRank}, 1)},
                       "gpt2"),
              HasSubstr("learned positions"));
}

// Names without the base model's, as they are when that alone was adapted.
TEST_F(AdapterTest, NamesOfTheBaseModel) {
  std::vector<Values> tensors;
  const DecoderConfig c = load_model(kGoldens / "llama")->config();
  add(tensors, "layers.0.mlp.down_proj", c.hidden_size, c.intermediate_size);
  write(tensors);
  const auto model = load(kGoldens / "llama");
  EXPECT_EQ(1u, Adapter(device_, *model, adapter_).size());
}

TEST_F(AdapterTest, TheLossIsThatOfTheAdaptedHead) {
  std::vector<Values> tensors;
  const DecoderConfig c = load_model(kGoldens / "llama")->config();
  add(tensors, "lm_head", c.vocab_size, c.hidden_size);
  write(tensors);
  const auto model = load(kGoldens / "llama");
  Adapter adapter(device_, *model, adapter_);
  Context ctx{.device = device_, .arena = arena_, .adapters = &adapter.everywhere()};
  BatchBuilder builder;
  builder.add(kTokens);
  const Tensor hidden = model->forward(ctx, builder.batch(ctx)), logits = model->logits(ctx, hidden);
  const Tensor targets = builder.batch(ctx).tokens;
  double expected = 0;
  for (int64_t r = 0; r < hidden.rows(); ++r) {
    const float* row = logits.data<float>() + r * c.vocab_size;
    double sum = 0;
    for (int64_t i = 0; i < c.vocab_size; ++i) sum += std::exp(static_cast<double>(row[i]));
    expected += std::log(sum) - row[targets.data<int32_t>()[r]];
  }
  EXPECT_NEAR(*model->loss(ctx, hidden, targets, 1).data<float>(), expected, 1e-5 * expected);
}

}  // namespace
}  // namespace maru
