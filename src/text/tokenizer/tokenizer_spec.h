// A tokenizer as plain data: normaliser, pre-tokeniser, model, post-processor and decoder as lists of steps, with the
// names and meanings that Hugging Face's tokenizer.json gives them. Read by tokenizer_json.h, sentencepiece.h,
// vocabulary_files.h and gguf_vocabulary.h, made by the trainer, and turned into something that runs by Tokenizer.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "text/unicode/unicode_form.h"

namespace maru::text {

/// `left` + `right` become `result`.
struct Merge {
  int32_t left = 0, right = 0, result = 0;
  bool operator==(const Merge&) const = default;
};

/// A token matched in the text before pre-tokenisation.
struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool special = true;
  bool normalized = false;              // matched in the normalised text, in its normalised form
  bool single_word = false;             // not beside a letter or digit
  bool lstrip = false, rstrip = false;  // takes the white space on that side with it
};

/// A regular expression (Oniguruma, Ruby syntax), or the text itself.
struct Pattern {
  std::string text;
  bool regex = true;
  bool operator==(const Pattern&) const = default;
};

/// Steps one after the other. `sequence`: the file wraps them in a Sequence, even a single one.
template <class Step>
struct StepList {
  std::vector<Step> steps;
  bool sequence = false;
};

namespace normalizers {
using Form = NormalizationForm;
struct Unicode {
  Form form = Form::kNfc;
};
struct Lowercase {};
struct Strip {
  bool left = true, right = true;
};
struct StripAccents {};
struct Nmt {};
struct ByteLevel {};
struct Prepend {
  std::string text;
};
struct Replace {
  Pattern pattern;
  std::string content;
};
struct Bert {
  bool clean_text = true, handle_chinese_chars = true;
  std::optional<bool> strip_accents;  // absent: as lowercase
  bool lowercase = true;
};
struct Precompiled {
  std::string charsmap;  // SentencePiece's bytes: length, double array, replacements
};
/// SentencePiece's own normaliser, which no list of the steps above equals.
struct SentencePiece {
  std::string charsmap;  // empty: characters stay
  bool add_dummy_prefix = true, remove_extra_whitespaces = true, escape_whitespaces = true,
       whitespace_as_suffix = false;
  std::vector<std::string> user_defined;  // never touched
};
}  // namespace normalizers
using NormalizerStep =
    std::variant<normalizers::Unicode, normalizers::Lowercase, normalizers::Strip, normalizers::StripAccents,
                 normalizers::Nmt, normalizers::ByteLevel, normalizers::Prepend, normalizers::Replace,
                 normalizers::Bert, normalizers::Precompiled, normalizers::SentencePiece>;

namespace pre_tokenizers {
enum class Behavior : uint8_t { kIsolated, kRemoved, kMergedWithPrevious, kMergedWithNext, kContiguous };
enum class PrependScheme : uint8_t { kAlways, kFirst, kNever };
struct ByteLevel {
  bool add_prefix_space = false, trim_offsets = true, use_regex = true;
};
struct Split {
  Pattern pattern;
  Behavior behavior = Behavior::kIsolated;
  bool invert = false;
};
struct Metaspace {
  char32_t replacement = 0x2581;
  PrependScheme prepend_scheme = PrependScheme::kAlways;
  bool split = true;
};
struct Whitespace {};       // runs of word characters, runs of other characters that are not white space
struct WhitespaceSplit {};  // what stands between white space
struct Bert {};             // as above, and every punctuation character alone
struct Punctuation {
  Behavior behavior = Behavior::kIsolated;
};
struct Digits {
  bool individual = false;
};
struct CharDelimiter {
  char32_t delimiter = ' ';
};
struct UnicodeScripts {};
struct FixedLength {
  uint64_t length = 5;  // characters
};
}  // namespace pre_tokenizers
using PreTokenizerStep =
    std::variant<pre_tokenizers::ByteLevel, pre_tokenizers::Split, pre_tokenizers::Metaspace,
                 pre_tokenizers::Whitespace, pre_tokenizers::WhitespaceSplit, pre_tokenizers::Bert,
                 pre_tokenizers::Punctuation, pre_tokenizers::Digits, pre_tokenizers::CharDelimiter,
                 pre_tokenizers::UnicodeScripts, pre_tokenizers::FixedLength>;

/// Byte-pair encoding over bytes or, without TokenizerSpec::byte_level, over characters.
struct BpeSpec {
  std::vector<Merge> merges;    // best first
  std::vector<uint32_t> ranks;  // of the merges, ascending; empty: their places. Equal ranks: leftmost first
  bool ignore_merges = false;   // a piece that is a token stands for itself
  std::optional<std::string> unk_token, continuing_subword_prefix, end_of_word_suffix;
  bool fuse_unk = false, byte_fallback = false;
};
/// The most probable split under independent tokens (Kudo 2018).
struct UnigramSpec {
  std::vector<double> scores;  // by id: the vocabulary has the ids 0, 1, …
  std::optional<int32_t> unk_id;
  bool byte_fallback = false;
  bool sentencepiece = false;         // SentencePiece's arithmetic (float) and its treatment of unknown characters
  std::vector<int32_t> user_defined;  // sentencepiece: always taken
  std::vector<int32_t> unmatched;     // sentencepiece: control, byte and unused pieces, which no text spells
};
/// Longest prefix first (Wu et al. 2016).
struct WordPieceSpec {
  std::string unk_token = "[UNK]", continuing_subword_prefix = "##";
  uint64_t max_input_chars_per_word = 100;
};
struct WordLevelSpec {
  std::string unk_token = "<unk>";
};
using ModelSpec = std::variant<BpeSpec, UnigramSpec, WordPieceSpec, WordLevelSpec>;

namespace post_processors {
/// A sequence of the input (0: first, 1: second) or special tokens.
struct Piece {
  int32_t sequence = -1;  // -1: `token`
  std::string token;      // key of Template::special_tokens
  uint32_t type_id = 0;
};
struct SpecialToken {
  std::string name;
  std::vector<int32_t> ids;
  std::vector<std::string> tokens;
};
struct Template {
  std::vector<Piece> single, pair;
  std::vector<SpecialToken> special_tokens;
};
/// [CLS] A [SEP] B [SEP]
struct Bert {
  std::pair<std::string, int32_t> sep, cls;
};
/// <s> A </s></s> B </s>, all of type 0
struct Roberta {
  std::pair<std::string, int32_t> sep, cls;
  bool trim_offsets = true, add_prefix_space = true;
};
/// Offsets only: nothing for ids.
struct ByteLevel {
  bool add_prefix_space = true, trim_offsets = true, use_regex = true;
};
}  // namespace post_processors
using PostProcessorStep = std::variant<post_processors::Template, post_processors::Bert, post_processors::Roberta,
                                       post_processors::ByteLevel>;

namespace decoders {
struct ByteLevel {
  bool add_prefix_space = true, trim_offsets = true, use_regex = true;
};
struct Metaspace {
  char32_t replacement = 0x2581;
  pre_tokenizers::PrependScheme prepend_scheme = pre_tokenizers::PrependScheme::kAlways;
  bool split = true;
};
struct ByteFallback {};
struct Fuse {};
struct Replace {
  Pattern pattern;
  std::string content;
};
struct Strip {
  char32_t content = ' ';
  uint64_t start = 0, stop = 0;  // at most so many from each end
};
struct WordPiece {
  std::string prefix = "##";
  bool cleanup = true;
};
struct Bpe {
  std::string suffix = "</w>";
};
}  // namespace decoders
using DecoderStep = std::variant<decoders::ByteLevel, decoders::Metaspace, decoders::ByteFallback, decoders::Fuse,
                                 decoders::Replace, decoders::Strip, decoders::WordPiece, decoders::Bpe>;

/// What a file says about cutting long inputs: an option of the caller; encoding does not look at it.
struct Truncation {
  uint64_t max_length = 512, stride = 0;
  std::string strategy = "LongestFirst", direction = "Right";
};
/// What a file says about filling up batches: likewise.
struct Padding {
  std::optional<uint64_t> fixed_length;  // absent: the longest of the batch
  std::string direction = "Right", pad_token = "[PAD]";
  std::optional<uint64_t> pad_to_multiple_of;
  int32_t pad_id = 0;
  uint32_t pad_type_id = 0;
};

struct TokenizerSpec {
  StepList<NormalizerStep> normalizer;
  StepList<PreTokenizerStep> pre_tokenizer;
  ModelSpec model = BpeSpec{};
  /// Text is encoded as bytes and `vocabulary` holds bytes; a BPE model whose last pre-tokeniser is ByteLevel and which
  /// has a token for every byte. Otherwise text is encoded as characters and `vocabulary` holds the file's spelling.
  bool byte_level = false;
  std::vector<std::pair<int32_t, std::string>> vocabulary;  // id, token; added tokens with their content
  std::vector<AddedToken> added_tokens;
  StepList<PostProcessorStep> post_processor;
  StepList<DecoderStep> decoder;  // no step: tokens with spaces between them
  std::optional<Truncation> truncation;
  std::optional<Padding> padding;
};

/// Byte-level BPE as trained here and by GPT-2's successors: `patterns` split one after the other, then bytes.
TokenizerSpec byte_level_spec(const std::vector<std::string>& patterns, bool gpt2_split = false);
/// Puts `before` and `after` around every text, and between two texts what stands before and behind each of them.
post_processors::Template around(const std::vector<post_processors::SpecialToken>& before,
                                 const std::vector<post_processors::SpecialToken>& after);

/// The only element of a kind in a list of steps; null if there is none.
template <class Kind, class Step>
const Kind* find_step(const StepList<Step>& list) {
  for (const Step& step : list.steps)
    if (const Kind* found = std::get_if<Kind>(&step)) return found;
  return nullptr;
}

}  // namespace maru::text
