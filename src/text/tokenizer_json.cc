#include "text/tokenizer_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <unordered_set>

#include "text/byte_alphabet.h"
#include "text/scanner.h"

namespace maru::text {
namespace {

// base/json.h keeps keys in order and looks them up one by one: quadratic for a vocabulary of 150,000.
using SortedJson = nlohmann::json;

constexpr int kMaxDepth = 64;

std::string quoted(const SortedJson& json) {
  std::string text = json.dump(-1, ' ', false, SortedJson::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

SortedJson parse_sorted(std::string_view text, const std::string& name) {
  bool too_deep = false;
  const auto watch = [&](int depth, SortedJson::parse_event_t, SortedJson&) {
    too_deep |= depth > kMaxDepth;
    return !too_deep;
  };
  try {
    SortedJson json = SortedJson::parse(text, watch);
    if (!too_deep) return json;
  } catch (const SortedJson::parse_error& e) {
    const std::string_view before = text.substr(0, std::min(text.size(), e.byte == 0 ? 0 : e.byte - 1));
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    throw Failure(ErrorCode::kInvalidArgument,
                  name + ":" + std::to_string(line) + ": not JSON at byte " + std::to_string(e.byte));
  } catch (const SortedJson::exception& e) {
    throw Failure(ErrorCode::kInvalidArgument, name + ": not JSON: " + e.what());
  }
  throw Failure(ErrorCode::kInvalidArgument, name + ": nested more than 64 levels deep");
}

/// A value and its place in the file.
class Node {
 public:
  Node(const SortedJson& json, std::string path) : json_(json), path_(std::move(path)) {}
  const SortedJson& json() const { return json_; }
  bool is_null() const { return json_.is_null(); }

  [[noreturn]] void fail(const std::string& expected) const {
    throw Failure(ErrorCode::kInvalidArgument, path_ + ": expected " + expected + ", got " + quoted(json_));
  }
  [[noreturn]] void unsupported(const std::string& what) const {
    throw Failure(ErrorCode::kUnimplemented, path_ + ": " + what + " is not supported yet");
  }
  /// A missing key reads as null.
  Node operator[](const std::string& key) const {
    static const SortedJson kNull;
    if (!json_.is_object()) fail("an object");
    const auto it = json_.find(key);
    return {it == json_.end() ? kNull : *it, path_ + (path_.ends_with(": ") ? "" : ".") + key};
  }
  Node at(size_t index) const { return {json_[index], path_ + "[" + std::to_string(index) + "]"}; }
  size_t array_size() const {
    if (!json_.is_array()) fail("a list");
    return json_.size();
  }
  const std::string& string() const {
    if (!json_.is_string()) fail("a string");
    return json_.get_ref<const std::string&>();
  }
  bool boolean(bool otherwise) const {
    if (json_.is_null()) return otherwise;
    if (!json_.is_boolean()) fail("true or false");
    return json_.get<bool>();
  }
  int32_t id() const {
    const bool whole = json_.is_number_integer() || json_.is_number_unsigned();
    if (!whole || json_ < 0 || json_ > INT32_MAX) fail("a token id");
    return json_.get<int32_t>();
  }
  const std::string& type() const { return (*this)["type"].string(); }
  void require_null_or_empty(const char* key, const char* what) const {
    const Node value = (*this)[key];
    if (!value.is_null() && value.json() != "") value.unsupported(what);
  }

 private:
  const SortedJson& json_;
  std::string path_;
};

Normalizer read_normalizer(const Node& node) {
  if (node.is_null()) return Normalizer::kNone;
  if (node.type() == "NFC") return Normalizer::kNfc;
  if (node.type() != "Sequence") node.unsupported("normalizer " + node.type());
  Normalizer result = Normalizer::kNone;
  const Node parts = node["normalizers"];
  for (size_t i = 0; i < parts.array_size(); ++i)
    if (read_normalizer(parts.at(i)) == Normalizer::kNfc) result = Normalizer::kNfc;
  return result;
}

// A literal string as a pattern.
std::string escaped(const std::string& literal) {
  std::string pattern;
  for (const char c : literal) {
    if (std::string_view(R"(\^$.|?*+()[]{}-&)").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

std::string read_split(const Node& node) {
  if (node["behavior"].string() != "Isolated") node["behavior"].unsupported("behavior " + node["behavior"].string());
  if (node["invert"].boolean(false)) node["invert"].unsupported("invert = true");
  const Node pattern = node["pattern"];
  if (!pattern["Regex"].is_null()) return pattern["Regex"].string();
  return escaped(pattern["String"].string());
}

/// Collects the splits of a pre_tokenizer; ByteLevel must come last.
void read_pre_tokenizer(const Node& node, TokenizerSpec& spec, bool& byte_level) {
  if (node.is_null()) node.unsupported("a tokenizer without ByteLevel");
  if (byte_level) node.unsupported("a pre-tokenizer behind ByteLevel");
  const std::string& type = node.type();
  if (type == "Sequence") {
    const Node parts = node["pretokenizers"];
    for (size_t i = 0; i < parts.array_size(); ++i) read_pre_tokenizer(parts.at(i), spec, byte_level);
  } else if (type == "Split") {
    spec.split_patterns.push_back(read_split(node));
  } else if (type == "Digits") {
    spec.split_patterns.push_back(node["individual_digits"].boolean(false) ? R"(\p{N})" : R"(\p{N}+)");
  } else if (type == "ByteLevel") {
    if (node["add_prefix_space"].boolean(true)) node["add_prefix_space"].unsupported("add_prefix_space = true");
    spec.gpt2_split = node["use_regex"].boolean(true);
    byte_level = true;
  } else {
    node.unsupported("pre-tokenizer " + type);
  }
}

void read_template(const Node& node, TokenizerSpec& spec) {
  const Node single = node["single"];
  bool behind_text = false;
  for (size_t i = 0; i < single.array_size(); ++i) {
    const Node part = single.at(i);
    if (!part["Sequence"].is_null()) {
      if (behind_text || part["Sequence"]["id"].string() != "A") part.unsupported("a second sequence");
      behind_text = true;
      continue;
    }
    const Node token = node["special_tokens"][part["SpecialToken"]["id"].string()];
    const Node ids = token["ids"];
    for (size_t k = 0; k < ids.array_size(); ++k) (behind_text ? spec.suffix : spec.prefix).push_back(ids.at(k).id());
  }
  if (!behind_text) single.fail("a template with one sequence A");
}

void read_post_processor(const Node& node, TokenizerSpec& spec) {
  if (node.is_null() || node.type() == "ByteLevel") return;
  if (node.type() == "TemplateProcessing") return read_template(node, spec);
  if (node.type() != "Sequence") node.unsupported("post-processor " + node.type());
  const Node parts = node["processors"];
  for (size_t i = 0; i < parts.array_size(); ++i) read_post_processor(parts.at(i), spec);
}

void read_decoder(const Node& node) {
  if (!node.is_null() && node.type() != "ByteLevel") node.unsupported("decoder " + node.type());
}

using Ids = std::unordered_map<std::string_view, int32_t>;

Ids read_vocabulary(const Node& vocab, size_t added, TokenizerSpec& spec) {
  if (!vocab.json().is_object()) vocab.fail("an object of tokens and ids");
  const ByteAlphabet alphabet;
  const size_t limit = 2 * (vocab.json().size() + added) + 65536;  // ids index arrays: no huge holes
  std::unordered_set<int32_t> taken;
  Ids ids;
  for (auto it = vocab.json().begin(); it != vocab.json().end(); ++it) {
    const Node value = vocab[it.key()];
    const int32_t id = value.id();
    if (static_cast<size_t>(id) >= limit) value.fail("an id below " + std::to_string(limit));
    if (!taken.insert(id).second) value.fail("an id of its own (another token has it)");
    ids.emplace(it.key(), id);
    spec.vocabulary.emplace_back(id, alphabet.to_bytes(it.key()).value_or(it.key()));
  }
  std::sort(spec.vocabulary.begin(), spec.vocabulary.end());
  return ids;
}

/// "left right", or ["left", "right"] since tokenizers 0.20.
std::pair<std::string, std::string> read_merge_parts(const Node& node) {
  if (node.json().is_array()) {
    if (node.json().size() != 2) node.fail("two tokens");
    return {node.at(0).string(), node.at(1).string()};
  }
  const std::string& text = node.string();
  const size_t space = text.find(' ');
  if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos) node.fail("two tokens and a space");
  return {text.substr(0, space), text.substr(space + 1)};
}

void read_merges(const Node& merges, const Ids& ids, TokenizerSpec& spec) {
  const size_t count = merges.array_size();
  spec.merges.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const Node node = merges.at(i);
    const auto [left, right] = read_merge_parts(node);
    const auto find = [&](const std::string& token) {
      const auto it = ids.find(token);
      if (it == ids.end() || token.empty()) node.fail("tokens of model.vocab (\"" + token + "\" is not there)");
      return it->second;
    };
    spec.merges.push_back({find(left), find(right), find(left + right)});
  }
}

void read_model(const Node& model, size_t added, TokenizerSpec& spec) {
  if (!model["type"].is_null() && model.type() != "BPE") model["type"].unsupported("model " + model.type());
  if (!model["dropout"].is_null() && model["dropout"].json() != 0) model["dropout"].unsupported("dropout");
  model.require_null_or_empty("continuing_subword_prefix", "a prefix of subwords");
  model.require_null_or_empty("end_of_word_suffix", "a suffix of words");
  if (model["byte_fallback"].boolean(false)) model["byte_fallback"].unsupported("byte_fallback");
  spec.ignore_merges = model["ignore_merges"].boolean(false);
  const Ids ids = read_vocabulary(model["vocab"], added, spec);
  read_merges(model["merges"], ids, spec);
}

AddedToken read_added_token(const Node& node) {
  for (const char* key : {"single_word", "lstrip", "rstrip"})
    if (node[key].boolean(false)) node[key].unsupported(std::string(key) + " = true");
  const AddedToken token{node["id"].id(), node["content"].string(), node["special"].boolean(false),
                         node["normalized"].boolean(true)};
  if (token.content.empty() || token.content.size() > 1024) node["content"].fail("1 to 1024 bytes");
  return token;
}

void read_added_tokens(const Node& list, const Node& vocab, TokenizerSpec& spec) {
  if (list.is_null()) return;
  std::unordered_map<int32_t, std::string> content_of;
  for (auto it = vocab.json().begin(); it != vocab.json().end(); ++it) content_of.emplace(it->get<int32_t>(), it.key());
  const size_t limit = 2 * (content_of.size() + list.array_size()) + 65536;
  std::unordered_set<std::string> seen;
  for (size_t i = 0; i < list.array_size(); ++i) {
    AddedToken token = read_added_token(list.at(i));
    if (static_cast<size_t>(token.id) >= limit) list.at(i)["id"].fail("an id below " + std::to_string(limit));
    if (!seen.insert(token.content).second) list.at(i)["content"].fail("a token that is not in the list already");
    const auto inside = vocab[token.content];
    if (!inside.is_null() && inside.id() != token.id)
      list.at(i)["id"].fail(std::to_string(inside.id()) + ", the id of this token in model.vocab");
    const auto [it, fresh] = content_of.emplace(token.id, token.content);
    if (!fresh && it->second != token.content)
      list.at(i)["id"].fail("an id of its own (\"" + it->second + "\" has it)");
    if (fresh) spec.vocabulary.emplace_back(token.id, token.content);
    spec.added_tokens.push_back(std::move(token));
  }
}

void require_ids(const std::vector<int32_t>& ids, const TokenizerSpec& spec, const std::string& where) {
  for (const int32_t id : ids) {
    const auto same = [&](const auto& token) { return token.first == id; };
    if (std::none_of(spec.vocabulary.begin(), spec.vocabulary.end(), same))
      throw Failure(ErrorCode::kInvalidArgument, where + ": no token has id " + std::to_string(id));
  }
}

TokenizerSpec read_spec(std::string_view text, const std::string& name) {
  const SortedJson json = parse_sorted(text, name);
  const Node root(json, name + ": ");
  if (root["version"].string() != "1.0") root["version"].unsupported("version " + root["version"].string());
  for (const char* key : {"truncation", "padding"})
    if (!root[key].is_null()) root[key].unsupported(key);
  TokenizerSpec spec;
  spec.normalizer = read_normalizer(root["normalizer"]);
  const size_t added = root["added_tokens"].is_null() ? 0 : root["added_tokens"].array_size();
  read_model(root["model"], added, spec);
  bool byte_level = false;
  read_pre_tokenizer(root["pre_tokenizer"], spec, byte_level);
  if (!byte_level) root["pre_tokenizer"].unsupported("a tokenizer without ByteLevel");
  read_added_tokens(root["added_tokens"], root["model"]["vocab"], spec);
  read_post_processor(root["post_processor"], spec);
  read_decoder(root["decoder"]);
  require_ids(spec.prefix, spec, name + ": post_processor");
  require_ids(spec.suffix, spec, name + ": post_processor");
  return spec;
}

}  // namespace

Result<TokenizerSpec> parse_tokenizer_json(std::string_view text, std::string_view name) {
  try {
    return read_spec(text, std::string(name));
  } catch (const Failure& failure) {
    return failure.error();
  }
}

}  // namespace maru::text
