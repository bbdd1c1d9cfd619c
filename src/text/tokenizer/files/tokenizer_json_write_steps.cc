// Normaliser, pre-tokeniser, post-processor and decoder as tokenizer.json spells them.
#include "text/tokenizer/files/tokenizer_json_write_steps.h"

#include "base/base64.h"
#include "base/json.h"
#include "base/utf8.h"

namespace maru::text {
namespace {

std::string character(char32_t c) {
  std::string text;
  append_utf8(text, c);
  return text;
}

Json typed(const char* type) { return {{"type", type}}; }
Json pattern_json(const Pattern& pattern) { return {{pattern.regex ? "Regex" : "String", pattern.text}}; }

const char* name_of(pre_tokenizers::Behavior behavior) {
  switch (behavior) {
    case pre_tokenizers::Behavior::kIsolated: return "Isolated";
    case pre_tokenizers::Behavior::kRemoved: return "Removed";
    case pre_tokenizers::Behavior::kMergedWithPrevious: return "MergedWithPrevious";
    case pre_tokenizers::Behavior::kMergedWithNext: return "MergedWithNext";
    case pre_tokenizers::Behavior::kContiguous: return "Contiguous";
  }
  return "";
}

const char* name_of(pre_tokenizers::PrependScheme scheme) {
  switch (scheme) {
    case pre_tokenizers::PrependScheme::kAlways: return "always";
    case pre_tokenizers::PrependScheme::kFirst: return "first";
    case pre_tokenizers::PrependScheme::kNever: return "never";
  }
  return "";
}

template <class Kind>
Json metaspace_json(const Kind& spec) {
  return {{"type", "Metaspace"},
          {"replacement", character(spec.replacement)},
          {"prepend_scheme", name_of(spec.prepend_scheme)},
          {"split", spec.split}};
}

template <class Kind>
Json byte_level_json(const Kind& spec) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", spec.add_prefix_space},
          {"trim_offsets", spec.trim_offsets},
          {"use_regex", spec.use_regex}};
}

template <class Kind>
Json replace_json(const Kind& spec) {
  return {{"type", "Replace"}, {"pattern", pattern_json(spec.pattern)}, {"content", spec.content}};
}

struct NormalizerWriter {
  Json& list;
  void operator()(const normalizers::Unicode& spec) const {
    constexpr const char* kNames[] = {"NFC", "NFD", "NFKC", "NFKD"};
    list.push_back(typed(kNames[static_cast<size_t>(spec.form)]));
  }
  void operator()(const normalizers::Lowercase&) const { list.push_back(typed("Lowercase")); }
  void operator()(const normalizers::Strip& spec) const {
    list.push_back({{"type", "Strip"}, {"strip_left", spec.left}, {"strip_right", spec.right}});
  }
  void operator()(const normalizers::StripAccents&) const { list.push_back(typed("StripAccents")); }
  void operator()(const normalizers::Nmt&) const { list.push_back(typed("Nmt")); }
  void operator()(const normalizers::ByteLevel&) const { list.push_back(typed("ByteLevel")); }
  void operator()(const normalizers::Prepend& spec) const {
    list.push_back({{"type", "Prepend"}, {"prepend", spec.text}});
  }
  void operator()(const normalizers::Replace& spec) const { list.push_back(replace_json(spec)); }
  void operator()(const normalizers::Bert& spec) const {
    list.push_back({{"type", "BertNormalizer"},
                    {"clean_text", spec.clean_text},
                    {"handle_chinese_chars", spec.handle_chinese_chars},
                    {"strip_accents", spec.strip_accents ? Json(*spec.strip_accents) : Json(nullptr)},
                    {"lowercase", spec.lowercase}});
  }
  void operator()(const normalizers::Precompiled& spec) const {
    list.push_back({{"type", "Precompiled"}, {"precompiled_charsmap", to_base64(spec.charsmap)}});
  }
  // As `transformers` converts SentencePiece's files.
  void operator()(const normalizers::SentencePiece& spec) const {
    if (!spec.charsmap.empty()) (*this)(normalizers::Precompiled{spec.charsmap});
    if (spec.remove_extra_whitespaces) {
      (*this)(normalizers::Strip{true, true});
      (*this)(normalizers::Replace{{" {2,}", true}, " "});
    }
    const char* space = spec.escape_whitespaces ? "\u2581" : " ";
    if (spec.escape_whitespaces) (*this)(normalizers::Replace{{" ", false}, space});
    if (spec.add_dummy_prefix && !spec.whitespace_as_suffix) (*this)(normalizers::Prepend{space});
    if (spec.add_dummy_prefix && spec.whitespace_as_suffix) (*this)(normalizers::Replace{{"\\z", true}, space});
  }
};

struct PreTokenizerWriter {
  Json& list;
  void operator()(const pre_tokenizers::ByteLevel& spec) const { list.push_back(byte_level_json(spec)); }
  void operator()(const pre_tokenizers::Split& spec) const {
    list.push_back({{"type", "Split"},
                    {"pattern", pattern_json(spec.pattern)},
                    {"behavior", name_of(spec.behavior)},
                    {"invert", spec.invert}});
  }
  void operator()(const pre_tokenizers::Metaspace& spec) const { list.push_back(metaspace_json(spec)); }
  void operator()(const pre_tokenizers::Whitespace&) const { list.push_back(typed("Whitespace")); }
  void operator()(const pre_tokenizers::WhitespaceSplit&) const { list.push_back(typed("WhitespaceSplit")); }
  void operator()(const pre_tokenizers::Bert&) const { list.push_back(typed("BertPreTokenizer")); }
  void operator()(const pre_tokenizers::Punctuation& spec) const {
    list.push_back({{"type", "Punctuation"}, {"behavior", name_of(spec.behavior)}});
  }
  void operator()(const pre_tokenizers::Digits& spec) const {
    list.push_back({{"type", "Digits"}, {"individual_digits", spec.individual}});
  }
  void operator()(const pre_tokenizers::CharDelimiter& spec) const {
    list.push_back({{"type", "CharDelimiterSplit"}, {"delimiter", character(spec.delimiter)}});
  }
  void operator()(const pre_tokenizers::UnicodeScripts&) const { list.push_back(typed("UnicodeScripts")); }
  void operator()(const pre_tokenizers::FixedLength& spec) const {
    list.push_back({{"type", "FixedLength"}, {"length", spec.length}});
  }
};

Json pieces_json(const std::vector<post_processors::Piece>& pieces) {
  Json list = Json::array();
  for (const auto& piece : pieces) {
    const std::string id = piece.sequence < 0 ? piece.token : piece.sequence == 0 ? "A" : "B";
    list.push_back({{piece.sequence < 0 ? "SpecialToken" : "Sequence", {{"id", id}, {"type_id", piece.type_id}}}});
  }
  return list;
}

Json mark_json(const std::pair<std::string, int32_t>& mark) { return Json::array({mark.first, mark.second}); }

struct PostProcessorWriter {
  Json& list;
  void operator()(const post_processors::ByteLevel& spec) const { list.push_back(byte_level_json(spec)); }
  void operator()(const post_processors::Template& spec) const {
    Json tokens = Json::object();
    for (const auto& token : spec.special_tokens)
      tokens[token.name] = {{"id", token.name}, {"ids", token.ids}, {"tokens", token.tokens}};
    list.push_back({{"type", "TemplateProcessing"},
                    {"single", pieces_json(spec.single)},
                    {"pair", pieces_json(spec.pair)},
                    {"special_tokens", tokens}});
  }
  void operator()(const post_processors::Bert& spec) const {
    list.push_back({{"type", "BertProcessing"}, {"sep", mark_json(spec.sep)}, {"cls", mark_json(spec.cls)}});
  }
  void operator()(const post_processors::Roberta& spec) const {
    list.push_back({{"type", "RobertaProcessing"},
                    {"sep", mark_json(spec.sep)},
                    {"cls", mark_json(spec.cls)},
                    {"trim_offsets", spec.trim_offsets},
                    {"add_prefix_space", spec.add_prefix_space}});
  }
};

struct DecoderWriter {
  Json& list;
  void operator()(const decoders::ByteLevel& spec) const { list.push_back(byte_level_json(spec)); }
  void operator()(const decoders::Metaspace& spec) const { list.push_back(metaspace_json(spec)); }
  void operator()(const decoders::ByteFallback&) const { list.push_back(typed("ByteFallback")); }
  void operator()(const decoders::Fuse&) const { list.push_back(typed("Fuse")); }
  void operator()(const decoders::Replace& spec) const { list.push_back(replace_json(spec)); }
  void operator()(const decoders::Strip& spec) const {
    list.push_back(
        {{"type", "Strip"}, {"content", character(spec.content)}, {"start", spec.start}, {"stop", spec.stop}});
  }
  void operator()(const decoders::WordPiece& spec) const {
    list.push_back({{"type", "WordPiece"}, {"prefix", spec.prefix}, {"cleanup", spec.cleanup}});
  }
  void operator()(const decoders::Bpe& spec) const {
    list.push_back({{"type", "BPEDecoder"}, {"suffix", spec.suffix}});
  }
};

template <class Writer, class Step>
Json list_json(const StepList<Step>& steps, const char* parts) {
  Json list = Json::array();
  for (const Step& step : steps.steps) std::visit(Writer{list}, step);
  if (!steps.sequence && list.empty()) return nullptr;
  if (!steps.sequence && list.size() == 1) return list[0];
  return {{"type", "Sequence"}, {parts, list}};
}

}  // namespace

Json normalizer_json(const StepList<NormalizerStep>& steps) {
  return list_json<NormalizerWriter>(steps, "normalizers");
}
Json pre_tokenizer_json(const StepList<PreTokenizerStep>& steps) {
  return list_json<PreTokenizerWriter>(steps, "pretokenizers");
}
Json post_processor_json(const StepList<PostProcessorStep>& steps) {
  return list_json<PostProcessorWriter>(steps, "processors");
}
Json decoder_json(const StepList<DecoderStep>& steps) { return list_json<DecoderWriter>(steps, "decoders"); }

}  // namespace maru::text
