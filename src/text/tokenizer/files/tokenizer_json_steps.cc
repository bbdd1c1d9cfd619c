// Normaliser, pre-tokeniser, post-processor and decoder of a tokenizer.json.
#include <algorithm>
#include <functional>
#include <map>

#include "base/base64.h"
#include "base/utf8.h"
#include "text/tokenizer/files/tokenizer_json_parts.h"

namespace maru::text {
namespace {

template <class Step>
using Readers = std::map<std::string, std::function<Step(const JsonNode&)>, std::less<>>;

/// Reads one step or a Sequence of them; `parts` is the key of the Sequence's list.
template <class Step>
void read_into(const JsonNode& node, const Readers<Step>& readers, const char* parts, const char* role,
               StepList<Step>& list, int depth = 0) {
  if (depth > 8) node.fail("sequences at most 8 levels deep");
  const std::string& type = node["type"].string();
  if (type == "Sequence") {
    const JsonNode steps = node[parts];
    list.sequence |= depth == 0;
    for (size_t i = 0; i < steps.size(); ++i) read_into(steps.at(i), readers, parts, role, list, depth + 1);
    return;
  }
  const auto it = readers.find(type);
  if (it == readers.end()) node.unsupported(std::string(role) + " " + type);
  list.steps.push_back(it->second(node));
}

template <class Step>
StepList<Step> read_list(const JsonNode& node, const Readers<Step>& readers, const char* parts, const char* role) {
  StepList<Step> list;
  if (!node.is_null()) read_into(node, readers, parts, role, list);
  return list;
}

Pattern read_pattern(const JsonNode& node) {
  if (node.is_string()) return {node.string(), false};
  if (!node["Regex"].is_null()) return {node["Regex"].string(), true};
  return {node["String"].string(), false};
}

pre_tokenizers::Behavior read_behavior(const JsonNode& node) {
  using enum pre_tokenizers::Behavior;
  const std::string name = node.string("Isolated");
  if (name == "Isolated") return kIsolated;
  if (name == "Removed") return kRemoved;
  if (name == "MergedWithPrevious") return kMergedWithPrevious;
  if (name == "MergedWithNext") return kMergedWithNext;
  if (name == "Contiguous") return kContiguous;
  node.fail("Isolated, Removed, MergedWithPrevious, MergedWithNext or Contiguous");
}

pre_tokenizers::PrependScheme read_prepend_scheme(const JsonNode& node) {
  using enum pre_tokenizers::PrependScheme;
  const JsonNode scheme = node["prepend_scheme"];
  if (!node["add_prefix_space"].boolean(true)) return kNever;  // files of before prepend_scheme
  const std::string name = scheme.string("always");
  if (name == "always") return kAlways;
  if (name == "first") return kFirst;
  if (name == "never") return kNever;
  scheme.fail("always, first or never");
}

/// Exactly one character.
char32_t read_character(const JsonNode& node, char32_t otherwise) {
  if (node.is_null()) return otherwise;
  const std::string& text = node.string();
  if (text.empty()) node.fail("one character");
  const Decoded d = decode_utf8(text.data(), text.data() + text.size());
  if (d.code_point == kInvalidCodePoint || d.length != text.size()) node.fail("one character");
  return d.code_point;
}

std::string read_charsmap(const JsonNode& node) {
  const JsonNode text = node["precompiled_charsmap"];
  if (text.is_null()) return {};
  const auto bytes = from_base64(text.string());
  if (!bytes) text.fail("base64");
  return *bytes;
}

template <class Kind>
Kind read_metaspace(const JsonNode& node) {
  return {read_character(node["replacement"], 0x2581), read_prepend_scheme(node), node["split"].boolean(true)};
}

template <class Kind>
Kind read_byte_level(const JsonNode& node) {
  Kind made;
  made.add_prefix_space = node["add_prefix_space"].boolean(true);
  made.trim_offsets = node["trim_offsets"].boolean(true);
  made.use_regex = node["use_regex"].boolean(true);
  return made;
}

const Readers<NormalizerStep>& normalizer_readers() {
  namespace z = normalizers;
  static const Readers<NormalizerStep> kReaders{
      {"NFC", [](const JsonNode&) { return z::Unicode{z::Form::kNfc}; }},
      {"NFD", [](const JsonNode&) { return z::Unicode{z::Form::kNfd}; }},
      {"NFKC", [](const JsonNode&) { return z::Unicode{z::Form::kNfkc}; }},
      {"NFKD", [](const JsonNode&) { return z::Unicode{z::Form::kNfkd}; }},
      {"Lowercase", [](const JsonNode&) { return z::Lowercase{}; }},
      {"StripAccents", [](const JsonNode&) { return z::StripAccents{}; }},
      {"Nmt", [](const JsonNode&) { return z::Nmt{}; }},
      {"ByteLevel", [](const JsonNode&) { return z::ByteLevel{}; }},
      {"Strip",
       [](const JsonNode& n) {
         return z::Strip{n["strip_left"].boolean(true), n["strip_right"].boolean(true)};
       }},
      {"Prepend", [](const JsonNode& n) { return z::Prepend{n["prepend"].string()}; }},
      {"Replace",
       [](const JsonNode& n) {
         return z::Replace{read_pattern(n["pattern"]), n["content"].string()};
       }},
      {"Precompiled", [](const JsonNode& n) { return z::Precompiled{read_charsmap(n)}; }},
      {"BertNormalizer", [](const JsonNode& n) {
         return z::Bert{n["clean_text"].boolean(true), n["handle_chinese_chars"].boolean(true),
                        n["strip_accents"].boolean(std::nullopt), n["lowercase"].boolean(true)};
       }}};
  return kReaders;
}

const Readers<PreTokenizerStep>& pre_tokenizer_readers() {
  namespace p = pre_tokenizers;
  static const Readers<PreTokenizerStep> kReaders{
      {"ByteLevel", read_byte_level<p::ByteLevel>},
      {"Split",
       [](const JsonNode& n) {
         return p::Split{read_pattern(n["pattern"]), read_behavior(n["behavior"]), n["invert"].boolean(false)};
       }},
      {"Metaspace", read_metaspace<p::Metaspace>},
      {"Whitespace", [](const JsonNode&) { return p::Whitespace{}; }},
      {"WhitespaceSplit", [](const JsonNode&) { return p::WhitespaceSplit{}; }},
      {"BertPreTokenizer", [](const JsonNode&) { return p::Bert{}; }},
      {"Punctuation", [](const JsonNode& n) { return p::Punctuation{read_behavior(n["behavior"])}; }},
      {"Digits", [](const JsonNode& n) { return p::Digits{n["individual_digits"].boolean(false)}; }},
      {"CharDelimiterSplit", [](const JsonNode& n) { return p::CharDelimiter{read_character(n["delimiter"], ' ')}; }},
      {"UnicodeScripts", [](const JsonNode&) { return p::UnicodeScripts{}; }},
      {"FixedLength", [](const JsonNode& n) { return p::FixedLength{n["length"].count(5)}; }}};
  return kReaders;
}

std::vector<post_processors::Piece> read_pieces(const JsonNode& list) {
  std::vector<post_processors::Piece> pieces;
  for (size_t i = 0; i < list.size(); ++i) {
    const JsonNode piece = list.at(i), sequence = piece["Sequence"];
    const JsonNode value = sequence.is_null() ? piece["SpecialToken"] : sequence;
    post_processors::Piece made{.type_id = static_cast<uint32_t>(value["type_id"].count(0))};
    const std::string& id = value["id"].string();
    if (sequence.is_null())
      made.token = id;
    else if (id != "A" && id != "B")
      value["id"].fail("A or B");
    else
      made.sequence = id == "A" ? 0 : 1;
    pieces.push_back(std::move(made));
  }
  return pieces;
}

post_processors::Template read_template(const JsonNode& node) {
  post_processors::Template made{read_pieces(node["single"]), {}, {}};
  const auto first = [](const auto& piece) { return piece.sequence == 0; };
  if (std::none_of(made.single.begin(), made.single.end(), first))
    node["single"].fail("a template with the sequence A");
  if (!node["pair"].is_null()) made.pair = read_pieces(node["pair"]);
  const JsonNode tokens = node["special_tokens"];
  for (const auto& [name, token] : tokens.is_null() ? std::vector<NamedNode>() : tokens.members()) {
    const JsonNode ids = token["ids"], names = token["tokens"];
    post_processors::SpecialToken special{name, {}, {}};
    for (size_t i = 0; i < ids.size(); ++i) special.ids.push_back(token_id(ids.at(i)));
    for (size_t i = 0; i < names.size(); ++i) special.tokens.push_back(names.at(i).string());
    made.special_tokens.push_back(std::move(special));
  }
  std::sort(made.special_tokens.begin(), made.special_tokens.end(),  // as the tokenizers library writes them
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return made;
}

std::pair<std::string, int32_t> read_mark(const JsonNode& node) {
  if (node.size() != 2) node.fail("a token and its id");
  return {node.at(0).string(), token_id(node.at(1))};
}

const Readers<PostProcessorStep>& post_processor_readers() {
  namespace p = post_processors;
  static const Readers<PostProcessorStep> kReaders{{"ByteLevel", read_byte_level<p::ByteLevel>},
                                                   {"TemplateProcessing", read_template},
                                                   {"BertProcessing",
                                                    [](const JsonNode& n) {
                                                      return p::Bert{read_mark(n["sep"]), read_mark(n["cls"])};
                                                    }},
                                                   {"RobertaProcessing", [](const JsonNode& n) {
                                                      return p::Roberta{read_mark(n["sep"]), read_mark(n["cls"]),
                                                                        n["trim_offsets"].boolean(true),
                                                                        n["add_prefix_space"].boolean(true)};
                                                    }}};
  return kReaders;
}

const Readers<DecoderStep>& decoder_readers() {
  namespace d = decoders;
  static const Readers<DecoderStep> kReaders{
      {"ByteLevel", read_byte_level<d::ByteLevel>},
      {"Metaspace", read_metaspace<d::Metaspace>},
      {"ByteFallback", [](const JsonNode&) { return d::ByteFallback{}; }},
      {"Fuse", [](const JsonNode&) { return d::Fuse{}; }},
      {"Replace",
       [](const JsonNode& n) {
         return d::Replace{read_pattern(n["pattern"]), n["content"].string()};
       }},
      {"Strip",
       [](const JsonNode& n) {
         return d::Strip{read_character(n["content"], ' '), n["start"].count(0), n["stop"].count(0)};
       }},
      {"WordPiece",
       [](const JsonNode& n) {
         return d::WordPiece{n["prefix"].string("##"), n["cleanup"].boolean(true)};
       }},
      {"BPEDecoder", [](const JsonNode& n) { return d::Bpe{n["suffix"].string("</w>")}; }}};
  return kReaders;
}

}  // namespace

StepList<NormalizerStep> read_normalizer(const JsonNode& node) {
  return read_list(node, normalizer_readers(), "normalizers", "normalizer");
}

StepList<PreTokenizerStep> read_pre_tokenizer(const JsonNode& node) {
  return read_list(node, pre_tokenizer_readers(), "pretokenizers", "pre-tokenizer");
}

StepList<PostProcessorStep> read_post_processor(const JsonNode& node) {
  auto list = read_list(node, post_processor_readers(), "processors", "post-processor");
  const auto adds = [](const PostProcessorStep& s) { return !std::holds_alternative<post_processors::ByteLevel>(s); };
  if (std::count_if(list.steps.begin(), list.steps.end(), adds) > 1)
    node.unsupported("a second post-processor that adds tokens");
  return list;
}

StepList<DecoderStep> read_decoder(const JsonNode& node) {
  return read_list(node, decoder_readers(), "decoders", "decoder");
}

}  // namespace maru::text
