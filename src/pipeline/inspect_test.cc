#include "pipeline/inspect.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "base/json.h"
#include "formats/gguf_writer.h"
#include "formats/safetensors_writer.h"

namespace maru::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class InspectionTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(home_); }
  void TearDown() override { fs::remove_all(home_); }

  void write_model(const Json& changes = Json::object()) {
    Json config{{"architectures", {"OddForCausalLM"}},
                {"vocab_size", 8},
                {"hidden_size", 16},
                {"num_hidden_layers", 2},
                {"num_attention_heads", 4},
                {"num_key_value_heads", 2},
                {"max_position_embeddings", 4096}};
    config.update(changes);
    write_json(home_ / "config.json", config);
    formats::SafetensorsWriter writer(home_ / "model.safetensors");
    writer.declare("a.weight", "BF16", {4, 4});
    writer.declare("b", "F32", {2});
    writer.write(std::vector<std::byte>(40));
    writer.commit();
  }

  const fs::path home_ = fs::temp_directory_path() / ("maru_inspection_" + std::to_string(::getpid()));
};

TEST_F(InspectionTest, CountsTheTokensOfEveryKindOfTokenizer) {
  const fs::path goldens = "tests/golden/tokenizers";
  const auto expect = [&](const std::string& kind, int64_t tokens) {
    const Inspection in = inspect_model(home_);
    EXPECT_EQ(kind, in.tokenizer);
    EXPECT_EQ(tokens, in.tokens) << kind;
  };
  write_model();
  expect("none", 0);
  fs::copy(goldens / "unigram.model", home_ / "tokenizer.model");
  expect("tokenizer.model, SentencePiece Unigram", 1800);
  write_json(home_ / "added_tokens.json", {{"<x>", 1800}, {"<y>", 1801}});
  expect("tokenizer.model, SentencePiece Unigram", 1802);
  fs::remove(home_ / "tokenizer.model");
  fs::copy(goldens / "bpe.model", home_ / "spiece.model");
  expect("spiece.model, SentencePiece BPE", 1802);
  fs::remove(home_ / "spiece.model");
  fs::remove(home_ / "added_tokens.json");
  fs::copy(goldens / "qwen2" / "vocab.json", home_ / "vocab.json");
  fs::copy(goldens / "qwen2" / "merges.txt", home_ / "merges.txt");
  expect("vocab.json, byte-level BPE", 700);
  fs::copy(goldens / "qwen2" / "tokenizer_config.json", home_ / "tokenizer_config.json");
  expect("vocab.json, byte-level BPE", 703);
  fs::remove(home_ / "vocab.json");
  fs::remove(home_ / "tokenizer_config.json");
  fs::copy(goldens / "bert" / "vocab.txt", home_ / "vocab.txt");
  expect("vocab.txt, WordPiece", 1500);
  write_file(home_ / "tokenizer.model", "no model");
  expect("tokenizer.model", 0);
}

TEST_F(InspectionTest, DescribesADirectoryItCannotRun) {
  write_model();
  write_file(home_ / "README.md", "---\nlanguage: ko\nlicense: \"cc-by-4.0\"\n---\n# A model\nlicense: none\n");
  write_file(home_ / "LICENSE", "\n  Apache License\nVersion 2.0\n");
  write_json(home_ / "tokenizer.json", {{"model", {{"type", "Unigram"}, {"vocab", {{"a", 0.5}, {"b", 1}}}}}});
  write_json(home_ / "tokenizer_config.json", {{"chat_template", "{{ messages }}"}});
  const Inspection in = inspect_model(home_);
  EXPECT_EQ("Hugging Face directory", in.kind);
  EXPECT_EQ("OddForCausalLM", in.architecture);
  EXPECT_EQ(18, in.parameters);
  EXPECT_EQ(16, in.dtypes.at("BF16").elements);
  EXPECT_EQ(40u, in.weight_bytes);
  EXPECT_EQ(40u, in.loaded_bytes);
  EXPECT_EQ("tokenizer.json, Unigram", in.tokenizer);
  EXPECT_TRUE(in.chat_template);
  EXPECT_EQ("cc-by-4.0", in.licence.name) << "without its quotes, before what the file says";
  EXPECT_EQ("LICENSE", in.licence.file);
  ASSERT_EQ(2u, in.memory.size());
  EXPECT_EQ(2048, in.memory[0].context);
  EXPECT_EQ(2048u * 2 * 2 * 2 * 4 * 2, in.memory[0].bytes) << "keys and values, layers, heads, width, bytes";
  EXPECT_EQ(4096, in.memory[1].context);
  EXPECT_THAT(in.obstacle, HasSubstr("OddForCausalLM"));
  EXPECT_EQ(false, to_json(in)["runs"]);
}

TEST_F(InspectionTest, ReadsGgufAndSingleFiles) {
  const Inspection gguf = inspect_model("tests/golden/blocks.gguf");
  EXPECT_EQ("GGUF file, version 3", gguf.kind);
  EXPECT_EQ("test", gguf.architecture);
  EXPECT_EQ(1, gguf.dtypes.at("Q6_K").tensors);
  write_model();
  const Inspection file = inspect_model(home_ / "model.safetensors");
  EXPECT_EQ("safetensors file", file.kind);
  EXPECT_EQ(18, file.parameters);
  EXPECT_THAT(file.obstacle, HasSubstr("no configuration"));
}

TEST_F(InspectionTest, CountsIntegersAsTheyAreLoaded) {
  formats::GgufWriter writer(home_ / "m.gguf");
  writer.set("general.architecture", "llama");
  writer.set("general.license", "mit");
  writer.declare("a.weight", formats::GgmlType::kQ4_1, {2, 64});
  writer.declare("b.weight", formats::GgmlType::kQ8_0, {1, 32});
  writer.declare("c", formats::GgmlType::kF32, {4});
  writer.write(std::vector<std::byte>(80));
  writer.write(std::vector<std::byte>(34));
  writer.write(std::vector<std::byte>(16));
  writer.commit();
  const Inspection in = inspect_model(home_ / "m.gguf");
  EXPECT_EQ(80u + 34 + 16, in.loaded_bytes) << "4-bit integers with offsets, 8-bit ones, plain numbers";
  EXPECT_EQ("mit", in.licence.name);
  EXPECT_THAT(in.obstacle, HasSubstr("token_embd.weight is missing"));
  EXPECT_EQ("GGUF file, version 3", inspect_model(home_).kind) << "a directory with one file and no config.json";
}

TEST_F(InspectionTest, SaysWhyAQuantizationCannotBeRead) {
  write_model({{"quantization_config", {{"quant_method", "bitsandbytes"}}}});
  EXPECT_EQ("", inspect_model(home_).quantization);
  write_model({{"quantization_config", {{"quant_method", "gptq"}, {"bits", 4}}}});
  EXPECT_EQ("gptq, 4 bits", inspect_model(home_).quantization);
  // Of a model that runs otherwise nothing else is said.
  const fs::path golden = "tests/golden/models/llama";
  Json config = read_json(golden / "config.json");
  fs::copy_file(golden / "model.safetensors", home_ / "model.safetensors", fs::copy_options::overwrite_existing);
  write_file(home_ / "tokenizer.json", R"({"version": "1.0",
    "pre_tokenizer": {"type": "ByteLevel", "use_regex": true}, "decoder": {"type": "ByteLevel"},
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": [["a", "b"]]}})");
  write_json(home_ / "config.json", config);
  EXPECT_EQ("", inspect_model(home_).obstacle);
  config["quantization_config"] = {{"quant_method", "bitsandbytes"}};
  write_json(home_ / "config.json", config);
  EXPECT_THAT(inspect_model(home_).obstacle, HasSubstr("bitsandbytes"));
}

TEST_F(InspectionTest, RefusesFilesOfUnexpectedTypes) {
  write_model({{"model_type", 3}, {"architectures", nullptr}});
  EXPECT_THROW(inspect_model(home_), Failure);
  EXPECT_THROW(inspect_model(home_ / "nothing"), Failure);
}

TEST_F(InspectionTest, FindsLicencesByTheirWords) {
  write_file(home_ / "LICENSE.txt", "MIT License\n\nCopyright");
  EXPECT_EQ("mit", find_licence(home_).name);
  write_file(home_ / "README.md", "no front matter\nlicense: gpl\n---\n");
  EXPECT_EQ("mit", find_licence(home_).name);
}

}  // namespace
}  // namespace maru::pipeline
