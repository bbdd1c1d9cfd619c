// The writing half of tokenizer_json.h. Vocabulary and merges are written by hand: as a JSON value they would cost a
// hundred times the memory of the text.
#include <algorithm>

#include "base/json.h"
#include "text/tokenizer/byte_alphabet.h"
#include "text/tokenizer/files/tokenizer_json.h"
#include "text/tokenizer/files/tokenizer_json_write_steps.h"

namespace maru::text {
namespace {

Json added_tokens_json(const TokenizerSpec& spec) {
  std::vector<AddedToken> tokens = spec.added_tokens;
  std::sort(tokens.begin(), tokens.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  Json list = Json::array();
  for (const AddedToken& token : tokens)
    list.push_back({{"id", token.id},
                    {"content", token.content},
                    {"single_word", token.single_word},
                    {"lstrip", token.lstrip},
                    {"rstrip", token.rstrip},
                    {"normalized", token.normalized},
                    {"special", token.special}});
  return list;
}

Json truncation_json(const TokenizerSpec& spec) {
  if (!spec.truncation) return nullptr;
  const Truncation& t = *spec.truncation;
  return {{"direction", t.direction}, {"max_length", t.max_length}, {"strategy", t.strategy}, {"stride", t.stride}};
}

Json padding_json(const TokenizerSpec& spec) {
  if (!spec.padding) return nullptr;
  const Padding& p = *spec.padding;
  return {{"strategy", p.fixed_length ? Json{{"Fixed", *p.fixed_length}} : Json("BatchLongest")},
          {"direction", p.direction},
          {"pad_to_multiple_of", p.pad_to_multiple_of ? Json(*p.pad_to_multiple_of) : Json(nullptr)},
          {"pad_id", p.pad_id},
          {"pad_type_id", p.pad_type_id},
          {"pad_token", p.pad_token}};
}

/// Tokens in the file's spelling, by id; those of byte-level vocabularies that no byte spells keep their content.
class Spellings {
 public:
  explicit Spellings(const TokenizerSpec& spec) {
    const ByteAlphabet alphabet;
    int32_t last = -1;
    for (const auto& [id, token] : spec.vocabulary) last = std::max(last, id);
    names_.resize(static_cast<size_t>(last + 1));
    known_.resize(names_.size());
    for (const auto& [id, token] : spec.vocabulary) {
      names_[id] = spec.byte_level ? alphabet.to_characters(token) : token;
      known_[id] = true;
    }
    for (const AddedToken& token : spec.added_tokens)
      if (spec.byte_level && token.id <= last) names_[token.id] = token.content;
  }
  const std::string& operator[](int32_t id) const { return names_[id]; }
  bool contains(int32_t id) const { return known_[id]; }
  int32_t size() const { return static_cast<int32_t>(names_.size()); }

 private:
  std::vector<std::string> names_;
  std::vector<bool> known_;
};

std::string quoted(const std::string& text) { return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string or_null(const std::optional<std::string>& text) { return text ? quoted(*text) : "null"; }

void append_vocabulary(const Spellings& names, std::string& to) {
  to += "    \"vocab\": {";
  const char* separator = "\n";
  for (int32_t id = 0; id < names.size(); ++id) {
    if (!names.contains(id)) continue;
    to += separator + ("      " + quoted(names[id])) + ": " + std::to_string(id);
    separator = ",\n";
  }
  to += "\n    }";
}

// As a pair where a token holds a space: "left right" could not be read back.
std::string merge_json(const std::string& left, const std::string& right, bool pairs) {
  if (!pairs) return quoted(left + " " + right);
  return "[" + quoted(left) + ", " + quoted(right) + "]";
}

void append_merges(const BpeSpec& bpe, const Spellings& names, std::string& to) {
  const auto spaced = [&](int32_t id) { return names[id].find(' ') != std::string::npos; };
  const bool pairs = std::any_of(bpe.merges.begin(), bpe.merges.end(),
                                 [&](const Merge& merge) { return spaced(merge.left) || spaced(merge.right); });
  to += "    \"merges\": [";
  const char* separator = "\n";
  for (const Merge& merge : bpe.merges) {
    to += separator + ("      " + merge_json(names[merge.left], names[merge.right], pairs));
    separator = ",\n";
  }
  to += bpe.merges.empty() ? "]\n" : "\n    ]\n";
}

struct ModelWriter {
  const Spellings& names;
  std::string& to;

  void field(const char* key, const std::string& value) const {
    to += "    \"" + std::string(key) + "\": " + value + ",\n";
  }
  static std::string boolean(bool value) { return value ? "true" : "false"; }

  void operator()(const BpeSpec& bpe) const {
    field("type", "\"BPE\"");
    field("dropout", "null");
    field("unk_token", or_null(bpe.unk_token));
    field("continuing_subword_prefix", or_null(bpe.continuing_subword_prefix));
    field("end_of_word_suffix", or_null(bpe.end_of_word_suffix));
    field("fuse_unk", boolean(bpe.fuse_unk));
    field("byte_fallback", boolean(bpe.byte_fallback));
    field("ignore_merges", boolean(bpe.ignore_merges));
    append_vocabulary(names, to);
    to += ",\n";
    append_merges(bpe, names, to);
  }
  void operator()(const UnigramSpec& unigram) const {
    field("type", "\"Unigram\"");
    field("unk_id", unigram.unk_id ? std::to_string(*unigram.unk_id) : "null");
    field("byte_fallback", boolean(unigram.byte_fallback));
    to += "    \"vocab\": [";
    const char* separator = "\n";
    for (size_t id = 0; id < unigram.scores.size(); ++id) {
      to += separator + ("      [" + quoted(names[static_cast<int32_t>(id)])) + ", " + Json(unigram.scores[id]).dump() +
            "]";
      separator = ",\n";
    }
    to += unigram.scores.empty() ? "]\n" : "\n    ]\n";
  }
  void operator()(const WordPieceSpec& word_piece) const {
    field("type", "\"WordPiece\"");
    field("unk_token", quoted(word_piece.unk_token));
    field("continuing_subword_prefix", quoted(word_piece.continuing_subword_prefix));
    field("max_input_chars_per_word", std::to_string(word_piece.max_input_chars_per_word));
    append_vocabulary(names, to);
    to += "\n";
  }
  void operator()(const WordLevelSpec& word_level) const {
    field("type", "\"WordLevel\"");
    field("unk_token", quoted(word_level.unk_token));
    append_vocabulary(names, to);
    to += "\n";
  }
};

std::string entry(const char* key, const Json& value) {
  std::string text = value.dump(2);
  for (size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 3) text.replace(at, 1, "\n  ");
  return "  \"" + std::string(key) + "\": " + text + ",\n";
}

}  // namespace

std::string write_tokenizer_json(const TokenizerSpec& spec) {
  const Spellings names(spec);
  std::string text = "{\n";
  text += entry("version", "1.0") + entry("truncation", truncation_json(spec)) + entry("padding", padding_json(spec));
  text += entry("added_tokens", added_tokens_json(spec)) + entry("normalizer", normalizer_json(spec.normalizer));
  text += entry("pre_tokenizer", pre_tokenizer_json(spec.pre_tokenizer));
  text += entry("post_processor", post_processor_json(spec.post_processor));
  text += entry("decoder", decoder_json(spec.decoder));
  text += "  \"model\": {\n";
  std::visit(ModelWriter{names, text}, spec.model);
  return text + "  }\n}\n";
}

}  // namespace maru::text
