#include "text/chat/tokenizer_directory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/json.h"
#include "text/chat/chat_template.h"
#include "text/tokenizer/files/load_tokenizer.h"
#include "text/tokenizer/train/testing.h"

namespace maru::text {
namespace {

TEST(TokenizerFiles, DirectoryLoadsWithItsRoles) {
  const fs::path directory = fs::temp_directory_path() / ("maru_tokenizer_" + std::to_string(::getpid()));
  write_tokenizer_files(directory, small_tokenizer(), {.model_max_length = 512});
  const Tokenizer t = load_tokenizer(directory);
  EXPECT_EQ(t.bos(), 0);
  EXPECT_EQ(t.eos(), 1);
  EXPECT_EQ(t.pad(), 4);
  const Json config = read_json(directory / "tokenizer_config.json");
  EXPECT_EQ(config["model_max_length"], 512);
  EXPECT_EQ(config["chat_template"], chatml_jinja());
  EXPECT_EQ(config["added_tokens_decoder"]["3"]["content"], "<|im_end|>");
  EXPECT_EQ(read_json(directory / "special_tokens_map.json")["pad_token"], "<|pad|>");
  Json other = config;
  other["eos_token"] = {{"content", "<|im_end|>"}};
  write_json(directory / "tokenizer_config.json", other);
  EXPECT_EQ(load_tokenizer(directory / "tokenizer.json").eos(), 3);
  fs::remove_all(directory);
  EXPECT_THROW(load_tokenizer(directory), Failure);
}

}  // namespace
}  // namespace maru::text
