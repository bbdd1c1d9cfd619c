// A tokenizer for tests whose ids are easy to work out by hand.
#pragma once
#include <string>

#include "base/json.h"

namespace maru::data {

/// The tokenizer.json of four special tokens and the 256 bytes, in this order.
inline std::string byte_tokenizer() {
  Json vocab = Json::object(), added = Json::array();
  const auto add_special = [&](const char* content) {
    added.push_back({{"id", added.size()},
                     {"content", content},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
    vocab[content] = vocab.size();
  };
  for (const char* special : {"<|begin_of_text|>", "<|end_of_text|>", "<|im_start|>", "<|im_end|>"})
    add_special(special);
  int next = 256;  // the printable stand-ins of the other bytes, in the order that GPT-2 gave them
  for (int byte = 0; byte < 256; ++byte) {
    const bool itself = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    const int c = itself ? byte : next++;
    const std::string spelled =
        c < 128 ? std::string(1, static_cast<char>(c))
                : std::string{static_cast<char>(0xC0 | (c >> 6)), static_cast<char>(0x80 | (c & 63))};
    vocab[spelled] = 4 + byte;
  }
  return Json{
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"added_tokens", added},
      {"normalizer", nullptr},
      {"pre_tokenizer",
       {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}}},
      {"post_processor", nullptr},
      {"decoder", {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}}},
      {"model",
       {{"type", "BPE"},
        {"dropout", nullptr},
        {"unk_token", nullptr},
        {"continuing_subword_prefix", nullptr},
        {"end_of_word_suffix", nullptr},
        {"fuse_unk", false},
        {"byte_fallback", false},
        {"vocab", vocab},
        {"merges", Json::array()}}}}
      .dump();
}

}  // namespace maru::data
