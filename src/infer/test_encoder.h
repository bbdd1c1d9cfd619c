// For tests: a tokenizer for the golden encoders, which come without one.
#pragma once
#include <string>

#include "base/file.h"
#include "base/json.h"

namespace maru::infer {

/// WordPiece over a few words, as BERT's tokenizer.json has it.
inline Json word_piece_json() {
  Json vocabulary;
  int id = 0;
  for (const char* token : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "how", "to", "save", "file", "a", "##s", "?", "the"})
    vocabulary[token] = id++;
  const auto added = [](int token, const char* content) {
    return Json{{"id", token},     {"content", content}, {"special", true},    {"single_word", false},
                {"lstrip", false}, {"rstrip", false},    {"normalized", false}};
  };
  const auto special = [](const char* token, int type) {
    return Json{{"SpecialToken", {{"id", token}, {"type_id", type}}}};
  };
  const auto sequence = [](const char* name, int type) {
    return Json{{"Sequence", {{"id", name}, {"type_id", type}}}};
  };
  const auto definition = [](const char* token, int token_id) {
    return Json{{"id", token}, {"ids", Json::array({token_id})}, {"tokens", Json::array({token})}};
  };
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", Json::array({added(0, "[PAD]"), added(1, "[UNK]"), added(2, "[CLS]"), added(3, "[SEP]")})},
          {"normalizer",
           {{"type", "BertNormalizer"},
            {"clean_text", true},
            {"handle_chinese_chars", true},
            {"strip_accents", nullptr},
            {"lowercase", true}}},
          {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
          {"post_processor",
           {{"type", "TemplateProcessing"},
            {"single", Json::array({special("[CLS]", 0), sequence("A", 0), special("[SEP]", 0)})},
            {"pair", Json::array({special("[CLS]", 0), sequence("A", 0), special("[SEP]", 0), sequence("B", 1),
                                  special("[SEP]", 1)})},
            {"special_tokens", {{"[CLS]", definition("[CLS]", 2)}, {"[SEP]", definition("[SEP]", 3)}}}}},
          {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
          {"model",
           {{"type", "WordPiece"},
            {"unk_token", "[UNK]"},
            {"continuing_subword_prefix", "##"},
            {"max_input_chars_per_word", 100},
            {"vocab", vocabulary}}}};
}

/// A copy of a golden encoder with that tokenizer, in `directory`; as its config says, second texts have type 1 or 0.
inline void write_test_encoder(const fs::path& golden, const fs::path& directory) {
  fs::remove_all(directory);
  fs::create_directories(directory.parent_path());
  fs::copy(golden, directory, fs::copy_options::recursive);
  Json tokenizer = word_piece_json();
  if (read_json(golden / "config.json")["type_vocab_size"] == 1)
    for (Json& part : tokenizer["post_processor"]["pair"]) part.front()["type_id"] = 0;
  write_json(directory / "tokenizer.json", tokenizer);
}

}  // namespace maru::infer
