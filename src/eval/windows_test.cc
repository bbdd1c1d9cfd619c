// Texts as windows, and that their score is what training's validation says.
#include "eval/windows.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/random.h"
#include "eval/score.h"
#include "models/quantize.h"
#include "tensor/cpu_device.h"
#include "train/validate.h"

namespace maru::eval {
namespace {

class WindowsTest : public testing::Test {
 protected:
  fs::path directory_ = fs::temp_directory_path() / ("windows_test." + std::to_string(::getpid()));
  ThreadPool pool_{2};
  CpuDevice device_{&pool_};
  void SetUp() override { fs::create_directories(directory_); }
  void TearDown() override { fs::remove_all(directory_); }

  static DecoderConfig config() {
    return resolve({.vocab_size = 50,
                    .hidden_size = 32,
                    .intermediate_size = 48,
                    .num_hidden_layers = 2,
                    .num_attention_heads = 2,
                    .num_key_value_heads = 2,
                    .max_position_embeddings = 16,
                    .initializer_range = 0.3});
  }
  formats::TokenDataset dataset() {
    fs::create_directories(directory_ / "tokens");
    formats::TokenDatasetWriter writer(directory_ / "tokens", 50, false);
    writer.begin_split("held_out");
    Random random(2);
    for (const int size : {5, 40, 2, 17, 33}) {
      std::vector<int32_t> tokens;
      for (int i = 0; i < size; ++i) tokens.push_back(static_cast<int32_t>(random.next() % 50));
      writer.add(tokens, static_cast<uint64_t>(3 * size));
    }
    writer.finish();
    return formats::TokenDataset(directory_ / "tokens", "held_out");
  }
  static Windows windows_in(const formats::TokenDataset& dataset) {
    Windows windows;
    for (int64_t d = 0; d < dataset.num_documents(); ++d) {
      const formats::TokenDocument document = dataset.document(d);
      std::vector<int32_t> tokens(static_cast<size_t>(document.tokens.size()));
      document.tokens.copy_to(tokens);
      add_document(windows, tokens, document.source_bytes, 16);
    }
    return windows;
  }
  std::vector<std::string> documents(const std::string& name, const std::string& content, uint64_t most = 1000) {
    write_file(directory_ / name, content);
    return read_documents(directory_ / name, most);
  }
};

TEST_F(WindowsTest, ScoresAsValidationDoes) {
  const formats::TokenDataset held_out = dataset();
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16})
    for (const bool quantized : {false, true}) {
      Decoder model(config(), dtype);
      allocate_values(model);
      initialise(model, 1);
      if (quantized) quantize_weights(device_, model, QuantizedKind::kInt4);
      StepMemory memory(device_);
      const train::ValidationResult expected = train::validate(memory, model, held_out, 16, 64, 1000);
      int64_t reported = 0;
      const WindowScore got = score_windows(memory, model, windows_in(held_out), [&](int64_t n) { reported = n; });
      EXPECT_EQ(got.tokens, expected.tokens);
      EXPECT_EQ(reported, got.tokens);
      EXPECT_EQ(got.bytes, expected.bytes);
      EXPECT_NEAR(got.bits_per_byte(), *expected.bits_per_byte(), 1e-9);
    }
}

TEST_F(WindowsTest, EachBeginsWithTheLastOfTheOneBefore) {
  Windows windows;
  std::vector<int32_t> tokens(40);
  for (int i = 0; i < 40; ++i) tokens[static_cast<size_t>(i)] = i;
  add_document(windows, tokens, 7, 16);
  ASSERT_EQ(windows.tokens.size(), 3u);
  EXPECT_EQ(windows.tokens[0].size(), 17u);
  EXPECT_EQ(windows.tokens[1].front(), windows.tokens[0].back());
  EXPECT_EQ(windows.tokens[2].front(), 32);
  EXPECT_EQ(windows.tokens[2].back(), 39);
  EXPECT_EQ(windows.counted, 39);
  EXPECT_EQ(windows.bytes, 7u);
}

TEST_F(WindowsTest, ReadsTextAndLines) {
  EXPECT_EQ(documents("a.txt", "one\ntwo\n"), std::vector<std::string>{"one\ntwo\n"});
  EXPECT_EQ(documents("a.jsonl", "{\"text\":\"one\"}\n{\"text\":\"two\",\"id\":1}\n"),
            (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(documents("b.jsonl", "{\"text\":\"one\"}\n{\"text\":\"two\"}\n", 3).size(), 1u);
}

TEST_F(WindowsTest, WhatIsNoTextIsRefusedByLine) {
  EXPECT_THROW(documents("empty.txt", ""), Failure);
  try {
    documents("c.jsonl", "{\"text\":\"one\"}\n{\"title\":\"two\"}\n");
    FAIL() << "expected a Failure";
  } catch (const Failure& failure) {
    EXPECT_NE(std::string(failure.what()).find("c.jsonl:2"), std::string::npos) << failure.what();
  }
}

}  // namespace
}  // namespace maru::eval
