// The model of a tokenizer.json: BPE, Unigram, WordPiece or WordLevel, with its vocabulary spelled as in the file.
#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "text/tokenizer/files/tokenizer_json_parts.h"

namespace maru::text {
namespace {

using Ids = std::unordered_map<std::string_view, int32_t>;

Ids read_vocabulary(const JsonNode& vocab, size_t num_added, TokenizerSpec& spec) {
  if (!vocab.is_object()) vocab.fail("an object of tokens and ids");
  const size_t limit = 2 * (vocab.json().size() + num_added) + 65536;  // ids index arrays: no huge holes
  Ids ids(vocab.json().size());
  std::vector<const std::string*> token_of;
  for (auto it = vocab.json().begin(); it != vocab.json().end(); ++it) {
    const auto node = [&] { return vocab[it.key()]; };
    const bool whole = it->is_number_unsigned();
    const int32_t id = whole && *it <= INT32_MAX ? it->get<int32_t>() : token_id(node());
    if (static_cast<size_t>(id) >= limit) node().fail("an id below " + std::to_string(limit));
    if (static_cast<size_t>(id) >= token_of.size()) token_of.resize(static_cast<size_t>(id) + 1);
    if (token_of[id] != nullptr) node().fail("an id of its own (\"" + *token_of[id] + "\" has it)");
    token_of[id] = &it.key();
    ids.emplace(it.key(), id);
    spec.vocabulary.emplace_back(id, it.key());
  }
  std::sort(spec.vocabulary.begin(), spec.vocabulary.end());
  return ids;
}

/// "left right", or ["left", "right"] since tokenizers 0.20.
std::pair<std::string, std::string> read_merge_parts(const JsonNode& node) {
  if (node.is_array()) {
    if (node.json().size() != 2) node.fail("two tokens");
    return {node.at(0).string(), node.at(1).string()};
  }
  const std::string& text = node.string();
  const size_t space = text.find(' ');
  if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos) node.fail("two tokens and a space");
  return {text.substr(0, space), text.substr(space + 1)};
}

// A right half loses the prefix that marks it as one.
void read_merges(const JsonNode& merges, const Ids& ids, BpeSpec& bpe) {
  const size_t count = merges.size(), prefix = bpe.continuing_subword_prefix.value_or("").size();
  bpe.merges.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const JsonNode node = merges.at(i);
    const auto [left, right] = read_merge_parts(node);
    const auto find = [&](const std::string& token) {
      const auto it = ids.find(token);
      if (it == ids.end() || token.empty()) node.fail("tokens of model.vocab (\"" + token + "\" is not there)");
      return it->second;
    };
    if (right.size() < prefix) node.fail("a right half with its prefix");
    bpe.merges.push_back({find(left), find(right), find(left + right.substr(prefix))});
  }
}

void read_bpe(const JsonNode& model, size_t num_added, TokenizerSpec& spec) {
  if (!model["dropout"].is_null() && model["dropout"].json() != 0) model["dropout"].unsupported("dropout");
  BpeSpec bpe;
  bpe.unk_token = model["unk_token"].string(std::nullopt);
  bpe.continuing_subword_prefix = model["continuing_subword_prefix"].string(std::nullopt);
  bpe.end_of_word_suffix = model["end_of_word_suffix"].string(std::nullopt);
  bpe.fuse_unk = model["fuse_unk"].boolean(false);
  bpe.byte_fallback = model["byte_fallback"].boolean(false);
  bpe.ignore_merges = model["ignore_merges"].boolean(false);
  const Ids ids = read_vocabulary(model["vocab"], num_added, spec);
  read_merges(model["merges"], ids, bpe);
  spec.model = std::move(bpe);
}

void read_unigram(const JsonNode& model, TokenizerSpec& spec) {
  UnigramSpec unigram;
  const JsonNode vocab = model["vocab"];
  const size_t count = vocab.size();
  for (size_t i = 0; i < count; ++i) {
    const JsonNode entry = vocab.at(i);
    if (entry.size() != 2) entry.fail("a token and its score");
    const double score = entry.at(1).number();
    if (!std::isfinite(score)) entry.at(1).fail("a finite score");
    spec.vocabulary.emplace_back(static_cast<int32_t>(i), entry.at(0).string());
    unigram.scores.push_back(score);
  }
  if (const JsonNode unk = model["unk_id"]; !unk.is_null()) {
    unigram.unk_id = token_id(unk);
    if (static_cast<size_t>(*unigram.unk_id) >= count) unk.fail("an id below " + std::to_string(count));
  }
  unigram.byte_fallback = model["byte_fallback"].boolean(false);
  spec.model = std::move(unigram);
}

void read_word_piece(const JsonNode& model, size_t num_added, TokenizerSpec& spec) {
  const WordPieceSpec usual;
  read_vocabulary(model["vocab"], num_added, spec);
  spec.model = WordPieceSpec{model["unk_token"].string(usual.unk_token),
                             model["continuing_subword_prefix"].string(usual.continuing_subword_prefix),
                             model["max_input_chars_per_word"].count(usual.max_input_chars_per_word)};
}

// Files of before `type` was written.
std::string guess_type(const JsonNode& model) {
  if (model["vocab"].is_array()) return "Unigram";
  if (!model["merges"].is_null()) return "BPE";
  return model["max_input_chars_per_word"].is_null() ? "WordLevel" : "WordPiece";
}

}  // namespace

void read_model(const JsonNode& model, size_t num_added, TokenizerSpec& spec) {
  const std::string type = model["type"].is_null() ? guess_type(model) : model["type"].string();
  if (type == "BPE") return read_bpe(model, num_added, spec);
  if (type == "Unigram") return read_unigram(model, spec);
  if (type == "WordPiece") return read_word_piece(model, num_added, spec);
  if (type != "WordLevel") model["type"].unsupported("model " + type);
  read_vocabulary(model["vocab"], num_added, spec);
  spec.model = WordLevelSpec{model["unk_token"].string("<unk>")};
}

}  // namespace maru::text
