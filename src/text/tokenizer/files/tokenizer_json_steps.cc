// Normaliser, pre-tokeniser, post-processor and decoder of a tokenizer.json.
#include <algorithm>
#include <functional>
#include <map>

#include "text/tokenizer/files/base64.h"
#include "text/tokenizer/files/tokenizer_json_parts.h"

namespace maru::text {
namespace {

template <class Step>
using Readers = std::map<std::string, std::function<Step(const Node&)>, std::less<>>;

/// Reads one step or a Sequence of them; `parts` is the key of the Sequence's list.
template <class Step>
void read_into(const Node& node, const Readers<Step>& readers, const char* parts, const char* role,
               StepList<Step>& list, int depth = 0) {
  if (depth > 8) node.fail("sequences at most 8 levels deep");
  const std::string& type = node.type();
  if (type == "Sequence") {
    const Node steps = node[parts];
    list.sequence |= depth == 0;
    for (size_t i = 0; i < steps.array_size(); ++i) read_into(steps.at(i), readers, parts, role, list, depth + 1);
    return;
  }
  const auto it = readers.find(type);
  if (it == readers.end()) node.unsupported(std::string(role) + " " + type);
  list.steps.push_back(it->second(node));
}

template <class Step>
StepList<Step> read_list(const Node& node, const Readers<Step>& readers, const char* parts, const char* role) {
  StepList<Step> list;
  if (!node.is_null()) read_into(node, readers, parts, role, list);
  return list;
}

Pattern read_pattern(const Node& node) {
  if (node.json().is_string()) return {node.string(), false};
  if (!node["Regex"].is_null()) return {node["Regex"].string(), true};
  return {node["String"].string(), false};
}

pre_tokenizers::Behavior read_behavior(const Node& node) {
  using enum pre_tokenizers::Behavior;
  const std::string name = node.string("Isolated");
  if (name == "Isolated") return kIsolated;
  if (name == "Removed") return kRemoved;
  if (name == "MergedWithPrevious") return kMergedWithPrevious;
  if (name == "MergedWithNext") return kMergedWithNext;
  if (name == "Contiguous") return kContiguous;
  node.fail("Isolated, Removed, MergedWithPrevious, MergedWithNext or Contiguous");
}

pre_tokenizers::PrependScheme read_prepend_scheme(const Node& node) {
  using enum pre_tokenizers::PrependScheme;
  const Node scheme = node["prepend_scheme"];
  if (!node["add_prefix_space"].boolean(true)) return kNever;  // files of before prepend_scheme
  const std::string name = scheme.string("always");
  if (name == "always") return kAlways;
  if (name == "first") return kFirst;
  if (name == "never") return kNever;
  scheme.fail("always, first or never");
}

std::string read_charsmap(const Node& node) {
  const Node text = node["precompiled_charsmap"];
  if (text.is_null()) return {};
  const auto bytes = from_base64(text.string());
  if (!bytes) text.fail("base64");
  return *bytes;
}

template <class Kind>
Kind read_metaspace(const Node& node) {
  return {node["replacement"].character(0x2581), read_prepend_scheme(node), node["split"].boolean(true)};
}

template <class Kind>
Kind read_byte_level(const Node& node) {
  Kind made;
  made.add_prefix_space = node["add_prefix_space"].boolean(true);
  made.trim_offsets = node["trim_offsets"].boolean(true);
  made.use_regex = node["use_regex"].boolean(true);
  return made;
}

const Readers<NormalizerStep>& normalizer_readers() {
  namespace z = normalizers;
  static const Readers<NormalizerStep> kReaders{
      {"NFC", [](const Node&) { return z::Unicode{z::Form::kNfc}; }},
      {"NFD", [](const Node&) { return z::Unicode{z::Form::kNfd}; }},
      {"NFKC", [](const Node&) { return z::Unicode{z::Form::kNfkc}; }},
      {"NFKD", [](const Node&) { return z::Unicode{z::Form::kNfkd}; }},
      {"Lowercase", [](const Node&) { return z::Lowercase{}; }},
      {"StripAccents", [](const Node&) { return z::StripAccents{}; }},
      {"Nmt", [](const Node&) { return z::Nmt{}; }},
      {"ByteLevel", [](const Node&) { return z::ByteLevel{}; }},
      {"Strip",
       [](const Node& n) {
         return z::Strip{n["strip_left"].boolean(true), n["strip_right"].boolean(true)};
       }},
      {"Prepend", [](const Node& n) { return z::Prepend{n["prepend"].string()}; }},
      {"Replace",
       [](const Node& n) {
         return z::Replace{read_pattern(n["pattern"]), n["content"].string()};
       }},
      {"Precompiled", [](const Node& n) { return z::Precompiled{read_charsmap(n)}; }},
      {"BertNormalizer", [](const Node& n) {
         const Node accents = n["strip_accents"];
         return z::Bert{n["clean_text"].boolean(true), n["handle_chinese_chars"].boolean(true),
                        accents.is_null() ? std::nullopt : std::optional(accents.boolean(false)),
                        n["lowercase"].boolean(true)};
       }}};
  return kReaders;
}

const Readers<PreTokenizerStep>& pre_tokenizer_readers() {
  namespace p = pre_tokenizers;
  static const Readers<PreTokenizerStep> kReaders{
      {"ByteLevel", read_byte_level<p::ByteLevel>},
      {"Split",
       [](const Node& n) {
         return p::Split{read_pattern(n["pattern"]), read_behavior(n["behavior"]), n["invert"].boolean(false)};
       }},
      {"Metaspace", read_metaspace<p::Metaspace>},
      {"Whitespace", [](const Node&) { return p::Whitespace{}; }},
      {"WhitespaceSplit", [](const Node&) { return p::WhitespaceSplit{}; }},
      {"BertPreTokenizer", [](const Node&) { return p::Bert{}; }},
      {"Punctuation", [](const Node& n) { return p::Punctuation{read_behavior(n["behavior"])}; }},
      {"Digits", [](const Node& n) { return p::Digits{n["individual_digits"].boolean(false)}; }},
      {"CharDelimiterSplit", [](const Node& n) { return p::CharDelimiter{n["delimiter"].character(' ')}; }},
      {"UnicodeScripts", [](const Node&) { return p::UnicodeScripts{}; }},
      {"FixedLength", [](const Node& n) { return p::FixedLength{n["length"].count(5)}; }}};
  return kReaders;
}

std::vector<post_processors::Piece> read_pieces(const Node& list) {
  std::vector<post_processors::Piece> pieces;
  for (size_t i = 0; i < list.array_size(); ++i) {
    const Node piece = list.at(i), sequence = piece["Sequence"];
    const Node value = sequence.is_null() ? piece["SpecialToken"] : sequence;
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

post_processors::Template read_template(const Node& node) {
  post_processors::Template made{read_pieces(node["single"]), {}, {}};
  const auto first = [](const auto& piece) { return piece.sequence == 0; };
  if (std::none_of(made.single.begin(), made.single.end(), first))
    node["single"].fail("a template with the sequence A");
  if (!node["pair"].is_null()) made.pair = read_pieces(node["pair"]);
  const Node tokens = node["special_tokens"];
  if (!tokens.is_null() && !tokens.json().is_object()) tokens.fail("an object");
  for (auto it = tokens.json().begin(); it != tokens.json().end(); ++it) {
    const Node token = tokens[it.key()], ids = token["ids"], names = token["tokens"];
    post_processors::SpecialToken special{it.key(), {}, {}};
    for (size_t i = 0; i < ids.array_size(); ++i) special.ids.push_back(ids.at(i).id());
    for (size_t i = 0; i < names.array_size(); ++i) special.tokens.push_back(names.at(i).string());
    made.special_tokens.push_back(std::move(special));
  }
  std::sort(made.special_tokens.begin(), made.special_tokens.end(),  // as the tokenizers library writes them
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return made;
}

std::pair<std::string, int32_t> read_mark(const Node& node) {
  if (node.array_size() != 2) node.fail("a token and its id");
  return {node.at(0).string(), node.at(1).id()};
}

const Readers<PostProcessorStep>& post_processor_readers() {
  namespace p = post_processors;
  static const Readers<PostProcessorStep> kReaders{{"ByteLevel", read_byte_level<p::ByteLevel>},
                                                   {"TemplateProcessing", read_template},
                                                   {"BertProcessing",
                                                    [](const Node& n) {
                                                      return p::Bert{read_mark(n["sep"]), read_mark(n["cls"])};
                                                    }},
                                                   {"RobertaProcessing", [](const Node& n) {
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
      {"ByteFallback", [](const Node&) { return d::ByteFallback{}; }},
      {"Fuse", [](const Node&) { return d::Fuse{}; }},
      {"Replace",
       [](const Node& n) {
         return d::Replace{read_pattern(n["pattern"]), n["content"].string()};
       }},
      {"Strip",
       [](const Node& n) {
         return d::Strip{n["content"].character(' '), n["start"].count(0), n["stop"].count(0)};
       }},
      {"WordPiece",
       [](const Node& n) {
         return d::WordPiece{n["prefix"].string("##"), n["cleanup"].boolean(true)};
       }},
      {"BPEDecoder", [](const Node& n) { return d::Bpe{n["suffix"].string("</w>")}; }}};
  return kReaders;
}

}  // namespace

StepList<NormalizerStep> read_normalizer(const Node& node) {
  return read_list(node, normalizer_readers(), "normalizers", "normalizer");
}

StepList<PreTokenizerStep> read_pre_tokenizer(const Node& node) {
  return read_list(node, pre_tokenizer_readers(), "pretokenizers", "pre-tokenizer");
}

StepList<PostProcessorStep> read_post_processor(const Node& node) {
  auto list = read_list(node, post_processor_readers(), "processors", "post-processor");
  const auto adds = [](const PostProcessorStep& s) { return !std::holds_alternative<post_processors::ByteLevel>(s); };
  if (std::count_if(list.steps.begin(), list.steps.end(), adds) > 1)
    node.unsupported("a second post-processor that adds tokens");
  return list;
}

StepList<DecoderStep> read_decoder(const Node& node) {
  return read_list(node, decoder_readers(), "decoders", "decoder");
}

}  // namespace maru::text
