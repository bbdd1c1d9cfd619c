#include "pipeline/inspect.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <set>

#include "base/json_node.h"
#include "formats/block_integers.h"
#include "formats/block_quant.h"
#include "formats/weight_files.h"
#include "infer/model_text.h"
#include "ledger/manifest.h"
#include "models/config.h"
#include "models/weight_source.h"
#include "text/chat/chat_files.h"
#include "text/tokenizer/files/vocabulary_files.h"

namespace maru::pipeline {
namespace {

constexpr uint64_t kMaxText = 1 << 20;
constexpr std::array<int64_t, 4> kContexts{2048, 8192, 32768, 131072};

// --- licence ---------------------------------------------------------------------------------------------------------

struct KnownLicence {
  std::string_view words, name;
};

constexpr std::array<KnownLicence, 8> kLicences{{{"Apache License", "apache-2.0"},
                                                 {"MIT License", "mit"},
                                                 {"BSD 3-Clause", "bsd-3-clause"},
                                                 {"LLAMA 3", "llama3"},
                                                 {"LLAMA 2", "llama2"},
                                                 {"Gemma Terms of Use", "gemma"},
                                                 {"HyperCLOVA X SEED", "hyperclovax-seed"},
                                                 {"Attribution-NonCommercial", "cc-by-nc"}}};

std::string head_of(const fs::path& file) {
  const MappedFile map(file);
  return std::string(map.text().substr(0, kMaxText));
}

std::string licence_in(const std::string& text) {
  for (const KnownLicence& known : kLicences)
    if (text.find(known.words) != std::string::npos) return std::string(known.name);
  return "";
}

// "license: apache-2.0" between the two "---" lines at the top of a README.
std::string front_matter(const std::string& text, const std::string& key) {
  if (!text.starts_with("---")) return "";
  const size_t end = text.find("\n---", 3);
  const size_t at = text.find("\n" + key + ":");
  if (at == std::string::npos || end == std::string::npos || at > end) return "";
  const size_t from = text.find_first_not_of(" \"'", at + key.size() + 2);
  return text.substr(from, text.find_first_of("\"'\r\n", from) - from);
}

std::vector<fs::path> files_beside(const fs::path& directory) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

// --- configuration ---------------------------------------------------------------------------------------------------

// Sizes that no model has are as good as none.
int64_t plausible(int64_t value) { return value > 0 && value <= (int64_t{1} << 24) ? value : 0; }

int64_t integer_at(const Json& json, const char* key, int64_t otherwise = 0) {
  const auto it = json.find(key);
  return it != json.end() && it->is_number_integer() ? plausible(it->get<int64_t>()) : otherwise;
}

ModelShape shape_of(const Json& config) {
  ModelShape s{.layers = integer_at(config, "num_hidden_layers", integer_at(config, "n_layer"))};
  const int64_t heads = integer_at(config, "num_attention_heads", integer_at(config, "n_head"));
  const int64_t hidden = integer_at(config, "hidden_size", integer_at(config, "n_embd"));
  s.key_value_heads = integer_at(config, "num_key_value_heads", heads);
  s.head_dim = integer_at(config, "head_dim", heads > 0 ? hidden / heads : 0);
  s.context_length = integer_at(config, "max_position_embeddings", integer_at(config, "n_positions"));
  s.vocab_size = integer_at(config, "vocab_size");
  return s;
}

std::string architecture_of(const JsonFile& config) {
  const std::string name = architecture_in(config.root().json());
  return name.empty() ? config["model_type"].string("") : name;
}

// --- tokenizer -------------------------------------------------------------------------------------------------------

struct TokenizerFacts {
  std::string kind;
  int64_t tokens = 0;
};

TokenizerFacts facts_of_tokenizer_json(const fs::path& path) {
  const JsonFile file(path);
  const JsonNode model = file["model"], vocab = model["vocab"], added = file["added_tokens"];
  TokenizerFacts facts{.kind = "tokenizer.json, " + model["type"].string("BPE")};
  if (model["byte_fallback"].boolean(false)) facts.kind += " with byte fallback";
  if (file["pre_tokenizer"].json().dump().find("ByteLevel") != std::string::npos) facts.kind += ", byte-level";
  facts.tokens = static_cast<int64_t>(vocab.json().size());
  for (size_t i = 0; vocab.is_object() && !added.is_null() && i < added.size(); ++i)
    if (vocab[added.at(i)["content"].string()].is_missing()) ++facts.tokens;
  return facts;
}

/// What a tokenizer reads that is no tokenizer.json.
std::string kind_of(const text::TokenizerSpec& spec) {
  if (text::find_step<text::normalizers::SentencePiece>(spec.normalizer) != nullptr)
    return std::holds_alternative<text::UnigramSpec>(spec.model) ? "SentencePiece Unigram" : "SentencePiece BPE";
  if (std::holds_alternative<text::WordPieceSpec>(spec.model)) return "WordPiece";
  return "byte-level BPE";
}

/// Counts the tokens; one that cannot be read has none, and the obstacle says why.
TokenizerFacts tokenizer_facts(const fs::path& directory) {
  std::string name;
  try {
    const fs::path file = text::tokenizer_file(directory);
    name = file.filename().string();
    if (name == "tokenizer.json") return facts_of_tokenizer_json(file);
    const text::TokenizerSpec spec = text::read_tokenizer_spec(directory);
    std::set<int32_t> ids;
    for (const auto& [id, token] : spec.vocabulary) ids.insert(id);
    for (const text::AddedToken& token : spec.added_tokens) ids.insert(token.id);
    return {.kind = name + ", " + kind_of(spec), .tokens = static_cast<int64_t>(ids.size())};
  } catch (const Failure&) {
    return {.kind = name.empty() ? "none" : name};
  }
}

// --- weights ---------------------------------------------------------------------------------------------------------

void count_tensors(Inspection& in, const formats::WeightFiles& files) {
  for (const formats::StoredTensor& t : files.tensors()) {
    DtypeCount& count = in.dtypes[t.dtype];
    count.tensors += 1, count.elements += t.elements(), count.bytes += t.bytes.size();
    in.weight_bytes += t.bytes.size();
  }
}

// Bits of a weight that stays an integer, its share of scale and offset included.
double integer_bits(int64_t bits, bool has_offsets) {
  return (bits <= 4 ? 4 : 8) + 16.0 / formats::kIntegerGroup * (has_offsets ? 2 : 1);
}

// What the loader keeps as integers. Whether all zero points are the middle shows in the weights alone, which are not
// read here: they are counted as if not.
double loaded_bits(const formats::PlainWeights::Item& item, const formats::WeightFiles& files,
                   const std::optional<formats::QuantizationConfig>& quantization) {
  const auto type = formats::ggml_type_named(item.dtype);
  const auto form = type && item.shape.size() > 1 ? formats::integer_form(*type) : std::nullopt;
  if (form) return integer_bits(form->bits, form->has_offsets);
  if (!item.dtype.empty()) return item.dtype == "F32" ? 32 : 16;
  const formats::StoredTensor* bytes = files.find(item.name);
  const bool floats = bytes != nullptr && bytes->dtype != "I8";
  const bool grouped = quantization->group_size % formats::kIntegerGroup == 0 && !quantization->act_order;
  const std::string zeros = item.name.substr(0, item.name.rfind('.')) + ".weight_zero_point";
  const bool has_zeros = quantization->method == formats::QuantizationMethod::kGptq ||
                         quantization->method == formats::QuantizationMethod::kAwq || files.find(zeros) != nullptr;
  return floats || !grouped ? 16 : integer_bits(quantization->bits, has_zeros);
}

void count_parameters_of(Inspection& in, const formats::WeightFiles& files,
                         const std::optional<formats::QuantizationConfig>& quantization) {
  const formats::PlainWeights weights(files, quantization, in.path);
  for (const formats::PlainWeights::Item& item : weights.items()) {
    const int64_t n = std::accumulate(item.shape.begin(), item.shape.end(), int64_t{1}, std::multiplies<>());
    in.parameters += n;
    in.loaded_bytes += static_cast<uint64_t>(static_cast<double>(n) * loaded_bits(item, files, quantization) / 8);
  }
}

std::string readable(const formats::WeightFiles& files, bool quantized) {
  for (const formats::StoredTensor& t : files.tensors()) {
    const auto type = formats::ggml_type_named(t.dtype);
    if (!quantized && (!type || !formats::can_dequantize(*type)))
      return "tensor " + t.name + ": " + t.dtype + " cannot be read as weights";
  }
  return "";
}

void plan_memory(Inspection& in) {
  const ModelShape& s = in.shape;
  const uint64_t per_token = uint64_t{2 * 2} * static_cast<uint64_t>(s.layers) *
                             static_cast<uint64_t>(s.key_value_heads) * static_cast<uint64_t>(s.head_dim);  // bf16
  for (const int64_t context : kContexts)
    if (context < s.context_length) in.memory.push_back({context, per_token * static_cast<uint64_t>(context)});
  if (s.context_length > 0)
    in.memory.push_back({s.context_length, per_token * static_cast<uint64_t>(s.context_length)});
}

// --- one function per kind -------------------------------------------------------------------------------------------

std::string obstacle_of(const fs::path& path) {
  try {
    const StoredConfig stored = read_stored_config(path);
    const DecoderConfig decoder = config_from_hugging_face(stored.json, stored.name);
    const text::Tokenizer tokenizer = infer::load_text(path).tokenizer;
    if (tokenizer.vocab_size() > decoder.vocab_size)
      return fmt::format("the tokenizer has {} tokens, the model only {}", tokenizer.vocab_size(), decoder.vocab_size);
    return "";
  } catch (const Failure& e) {
    return e.what();
  }
}

void add_origins(Inspection& in, const fs::path& directory) {
  for (const ledger::ForeignOrigin& origin : ledger::read_manifest(directory).foreign)
    in.foreign.push_back(origin.name + " from " + origin.source);
}

bool is_artefact(const fs::path& path) { return fs::exists(path / ledger::kManifestName); }

void inspect_weights(Inspection& in, const fs::path& path, const Json& config) {
  const formats::WeightFiles files(path);
  count_tensors(in, files);
  std::optional<formats::QuantizationConfig> quantization;
  try {
    quantization = formats::quantization_config(config, path.string());
    count_parameters_of(in, files, quantization);
  } catch (const Failure& e) {
    if (in.obstacle.empty()) in.obstacle = e.what();
  }
  if (quantization && quantization->method == formats::QuantizationMethod::kPanels)
    in.loaded_bytes = in.weight_bytes;  // used as they are
  if (quantization) in.quantization = fmt::format("{}, {} bits", quantization->name, quantization->bits);
  if (in.obstacle.empty()) in.obstacle = readable(files, quantization.has_value());
}

void inspect_directory(Inspection& in, const fs::path& directory) {
  in.kind = is_artefact(directory) ? "Maru model" : "Hugging Face directory";
  const JsonFile config(directory / "config.json", ErrorCode::kDataLoss);
  in.architecture = architecture_of(config);
  in.shape = shape_of(config.root().json());
  const TokenizerFacts tokenizer = tokenizer_facts(directory);
  in.tokenizer = tokenizer.kind, in.tokens = tokenizer.tokens;
  in.chat_template = !text::read_chat_template(directory).empty();
  in.licence = find_licence(directory);
  in.obstacle = obstacle_of(directory);
  inspect_weights(in, directory, config.root().json());
  if (is_artefact(directory)) add_origins(in, directory);
}

void describe_gguf(Inspection& in, const formats::GgufFile& file) {
  in.kind = fmt::format("GGUF file, version {}", file.version());
  in.architecture = file.text("general.architecture").value_or("");
  const auto own = [&](const char* key) { return plausible(file.integer(in.architecture + "." + key).value_or(0)); };
  const int64_t heads = own("attention.head_count"), hidden = own("embedding_length");
  in.shape = {.layers = own("block_count"), .context_length = own("context_length")};
  in.shape.key_value_heads = file.integer(in.architecture + ".attention.head_count_kv").value_or(heads);
  in.shape.head_dim = file.integer(in.architecture + ".attention.key_length").value_or(heads > 0 ? hidden / heads : 0);
  const formats::GgufValue* tokens = file.find("tokenizer.ggml.tokens");
  in.tokens = in.shape.vocab_size = tokens != nullptr ? static_cast<int64_t>(tokens->count) : 0;
  in.tokenizer = "GGUF, " + file.text("tokenizer.ggml.model").value_or("none");
  in.chat_template = file.find("tokenizer.chat_template") != nullptr;
}

// `path` is the file, or a directory that holds it.
void inspect_gguf(Inspection& in, const fs::path& path, const fs::path& gguf) {
  const formats::GgufFile file = formats::GgufFile::open(gguf).value();
  describe_gguf(in, file);
  if (fs::is_directory(path)) in.licence = find_licence(path);
  if (in.licence.name.empty()) in.licence.name = file.text("general.license").value_or("");
  in.obstacle = obstacle_of(path);
  inspect_weights(in, path, Json::object());
  if (is_artefact(path)) add_origins(in, path);
}

}  // namespace

Licence find_licence(const fs::path& directory) {
  Licence licence;
  for (const fs::path& file : files_beside(directory)) {
    const std::string name = file.filename().string();
    if (name.starts_with("LICENSE") || name.starts_with("LICENCE") || name.starts_with("COPYING")) {
      licence.file = name;
      licence.text = head_of(file);
      licence.name = licence_in(licence.text);
    }
  }
  if (fs::exists(directory / "README.md")) {
    const std::string readme = head_of(directory / "README.md");
    for (const char* key : {"license_name", "license"})
      if (const std::string named = front_matter(readme, key); !named.empty()) return licence.name = named, licence;
  }
  return licence;
}

Inspection inspect_model(const fs::path& path) {
  Inspection in{.path = path.string()};
  try {
    if (const auto gguf = formats::gguf_file_of(path)) {
      inspect_gguf(in, path, *gguf);
    } else if (fs::is_directory(path)) {
      inspect_directory(in, path);
    } else {
      in.kind = "safetensors file";
      in.obstacle = "a single file of weights has no configuration; give its directory";
      inspect_weights(in, path, Json::object());
    }
  } catch (const nlohmann::json::exception& e) {
    throw Failure(ErrorCode::kDataLoss, path.string() + ": a value of unexpected type in its JSON files: " + e.what());
  }
  plan_memory(in);
  return in;
}

Json to_json(const Inspection& in) {
  Json dtypes = Json::object(), memory = Json::array();
  for (const auto& [name, count] : in.dtypes)
    dtypes[name] = {{"tensors", count.tensors}, {"elements", count.elements}, {"bytes", count.bytes}};
  for (const MemoryAt& at : in.memory) memory.push_back({{"context", at.context}, {"bytes", at.bytes}});
  return {{"path", in.path},
          {"kind", in.kind},
          {"architecture", in.architecture},
          {"parameters", in.parameters},
          {"dtypes", dtypes},
          {"quantization", in.quantization},
          {"context_length", in.shape.context_length},
          {"tokenizer", {{"kind", in.tokenizer}, {"tokens", in.tokens}}},
          {"chat_template", in.chat_template},
          {"licence", {{"name", in.licence.name}, {"file", in.licence.file}, {"text", in.licence.text}}},
          {"memory", {{"files", in.weight_bytes}, {"weights", in.loaded_bytes}, {"cache", memory}}},
          {"foreign", in.foreign},
          {"runs", in.obstacle.empty()},
          {"obstacle", in.obstacle}};
}

}  // namespace maru::pipeline
