#include "api/ollama/options.h"

#include <gtest/gtest.h>

#include "base/request_failure.h"

namespace maru::api::ollama {
namespace {

Options read(const std::string& text) { return read_options(parse_json(text, "options").value()); }

std::string refused_field(const std::string& text) {
  try {
    read(text);
  } catch (const RequestFailure& failure) {
    return failure.field();
  }
  return "";
}

TEST(OllamaOptions, AreOllamasWhereNothingIsSaid) {
  infer::GenerationRequest generation;
  apply(read_options(nullptr), generation);
  EXPECT_EQ(0.8, generation.sampling.temperature);
  EXPECT_EQ(40, generation.sampling.top_k);
  EXPECT_EQ(0.9, generation.sampling.top_p);
  EXPECT_EQ(1, generation.sampling.repetition_penalty);
  EXPECT_FALSE(generation.seed);
  EXPECT_FALSE(wanted_tokens({})) << "as long as fits";
}

TEST(OllamaOptions, AreWhatTheEngineGets) {
  infer::GenerationRequest generation;
  const Options options = read(
      R"({"temperature":0,"top_k":-1,"top_p":0.5,"min_p":0.1,"repeat_penalty":1.2,"presence_penalty":0.3,
          "frequency_penalty":0.4,"seed":7,"num_predict":5,"stop":["a","b"],"repeat_last_n":-1,"num_ctx":10.0})");
  apply(options, generation);
  EXPECT_EQ(0, generation.sampling.temperature);
  EXPECT_EQ(0, generation.sampling.top_k);
  EXPECT_EQ(0.5, generation.sampling.top_p);
  EXPECT_EQ(0.1, generation.sampling.min_p);
  EXPECT_EQ(1.2, generation.sampling.repetition_penalty);
  EXPECT_EQ(0.3, generation.sampling.presence_penalty);
  EXPECT_EQ(0.4, generation.sampling.frequency_penalty);
  EXPECT_EQ(7u, generation.seed);
  EXPECT_EQ((std::vector<std::string>{"a", "b"}), generation.stop);
  EXPECT_EQ(5, wanted_tokens(options));
  std::vector<std::string> warnings;
  EXPECT_EQ(10, within(options, {.max_context = 20}, warnings).max_context);
  EXPECT_TRUE(warnings.empty());
  EXPECT_EQ(8, within(options, {.max_context = 8}, warnings).max_context);
  EXPECT_EQ(1u, warnings.size());
}

TEST(OllamaOptions, OfNoPenaltyAndNoSeed) {
  infer::GenerationRequest generation;
  apply(read(R"({"repeat_penalty":1.5,"presence_penalty":1,"repeat_last_n":0,"seed":-1,"stop":"x"})"), generation);
  EXPECT_EQ(1, generation.sampling.repetition_penalty);
  EXPECT_EQ(0, generation.sampling.presence_penalty);
  EXPECT_FALSE(generation.seed);
  EXPECT_EQ(std::vector<std::string>{"x"}, generation.stop);
  for (const char* text : {R"({"num_predict":-1})", R"({"num_predict":-2})", R"({"num_predict":0})"})
    EXPECT_FALSE(wanted_tokens(read(text))) << text;
}

TEST(OllamaOptions, ThatCannotBeKeptAreRefusedByName) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"mirostat":1})", "options.mirostat"},
      {R"({"typical_p":0.5})", "options.typical_p"},
      {R"({"tfs_z":0.5})", "options.tfs_z"},
      {R"({"penalize_newline":false})", "options.penalize_newline"},
      {R"({"repeat_last_n":64,"repeat_penalty":1.1})", "options.repeat_last_n"},
      {R"({"num_predict":-3})", "options.num_predict"},
      {R"({"temperature":"hot"})", "options.temperature"},
      {R"({"stop":[""]})", "options.stop[0]"},
      {R"({"stop":7})", "options.stop"},
      {R"({"top_p":2})", "options.top_p"},
      {R"({"num_ctx":0})", "options.num_ctx"},
      {"7", "options"}};
  for (const auto& [text, field] : cases) EXPECT_EQ(field, refused_field(text)) << text;
  EXPECT_THROW(read(R"({"temprature":1})"), RequestFailure);
  for (const char* text : {R"({"repeat_last_n":64})", R"({"num_gpu":1,"num_thread":4,"use_mmap":true,"numa":false})",
                           R"({"mirostat":0,"mirostat_tau":5,"typical_p":1,"penalize_newline":true})", "{}"})
    EXPECT_EQ("", refused_field(text)) << text;
  EXPECT_EQ(0.8, read(R"({"temperature":null,"stop":null,"seed":null})").temperature) << "nulls say nothing";
}

}  // namespace
}  // namespace maru::api::ollama
