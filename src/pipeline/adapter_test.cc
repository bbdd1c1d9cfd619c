// An adapter's directory: described, imported.
#include "catalogue/adapter.h"

#include <gmock/gmock.h>

#include "base/json.h"
#include "formats/safetensors_writer.h"
#include "ledger/manifest.h"
#include "ledger/provenance.h"
#include "pipeline/import.h"
#include "pipeline/inspect_adapter.h"

namespace maru::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class AdapterTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(source_);
    write({{"peft_type", "LORA"}, {"r", 2}, {"lora_alpha", 8}, {"base_model_name_or_path", "org/model"}});
    formats::SafetensorsWriter writer(source_ / "adapter_model.safetensors");
    const std::vector<float> values(8, 1.0f);
    const std::string prefix = "base_model.model.model.layers.0.self_attn.";
    for (const char* module : {"q_proj", "v_proj"}) {
      writer.declare(prefix + module + ".lora_A.weight", "F32", {2, 4});
      writer.declare(prefix + module + ".lora_B.weight", "F32", {4, 2});
    }
    writer.declare("base_model.model.model.norm.weight", "F32", {8});
    for (int i = 0; i < 5; ++i) writer.write(std::as_bytes(std::span(values)));
    writer.commit();
  }
  void TearDown() override { fs::remove_all(home_); }
  void write(const Json& config) { write_json(source_ / "adapter_config.json", config); }

  const fs::path home_ = fs::temp_directory_path() / ("maru_cli_adapter_" + std::to_string(::getpid()));
  const fs::path source_ = home_ / "source";
  Machine machine_{1};
  const Workplace at_{catalogue::Home(home_), machine_, {}};
};

TEST_F(AdapterTest, IsDescribed) {
  EXPECT_TRUE(catalogue::is_adapter(source_));
  EXPECT_FALSE(catalogue::is_adapter(home_));
  const AdapterInspection in = inspect_adapter(source_);
  EXPECT_EQ("LoRA", in.method);
  EXPECT_EQ("org/model", in.base_model);
  EXPECT_EQ(40, in.parameters);
  EXPECT_EQ(5, in.tensors);
  EXPECT_THAT(in.ranks, ElementsAre(std::pair(2, 2)));
  EXPECT_THAT(in.scales, ElementsAre(std::pair("4", 2)));
  EXPECT_THAT(in.modules, ElementsAre(std::pair("q_proj", 1), std::pair("v_proj", 1)));
  EXPECT_THAT(in.replaced, ElementsAre("model.norm.weight"));
  EXPECT_EQ("", in.obstacle);
  EXPECT_EQ(2, to_json(in)["ranks"]["2"]);
}

TEST_F(AdapterTest, WhatHindersIsSaid) {
  write({{"peft_type", "LORA"}, {"use_rslora", true}, {"lora_bias", true}});
  EXPECT_THAT(inspect_adapter(source_).obstacle, HasSubstr("lora_bias is not supported"));
  write({{"peft_type", "IA3"}});
  const AdapterInspection other = inspect_adapter(source_);
  EXPECT_EQ("IA3", other.method);
  EXPECT_EQ(40, other.parameters);
}

TEST_F(AdapterTest, IsImportedWithTheMarkOfForeignWeights) {
  const ImportResult result =
      import_weights(at_, {.source = source_.string(), .name = "mine", .origin = "https://example.org/a"});
  EXPECT_EQ(5, result.tensors);
  EXPECT_EQ(3, result.changed);
  EXPECT_TRUE(result.is_adapter);
  const fs::path place = home_ / "adapters" / "mine";
  EXPECT_TRUE(fs::is_symlink(place / "adapter_model.safetensors"));
  const ledger::Manifest manifest = ledger::read_manifest(place);
  EXPECT_EQ("adapter", manifest.kind);
  ASSERT_EQ(1u, manifest.foreign.size());
  EXPECT_EQ("https://example.org/a", manifest.foreign[0].source);
  EXPECT_FALSE(ledger::prove_from_scratch(place).ok());
  EXPECT_THAT(inspect_adapter(place).foreign, ElementsAre("mine from https://example.org/a"));
  EXPECT_THROW(import_weights(at_, {.source = source_.string(), .name = "mine"}), Failure) << "taken";
  EXPECT_THROW(import_weights(at_, {.source = place.string(), .name = "again"}), Failure) << "an artefact already";
  EXPECT_NO_THROW(import_weights(at_, {.source = source_.string(), .name = "mine", .copy = true, .force = true}));
  EXPECT_FALSE(fs::is_symlink(place / "adapter_model.safetensors"));
}

}  // namespace
}  // namespace maru::pipeline
