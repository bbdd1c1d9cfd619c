#include "serving/model_loader.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "base/excerpt.h"
#include "base/json.h"
#include "infer/loaded_model.h"
#include "ledger/manifest.h"
#include "models/config.h"
#include "models/weight_source.h"
#include "models/weights.h"
#include "serving/fingerprint.h"
#include "serving/model_forms.h"
#include "serving/model_host.h"
#include "serving/served_encoder.h"

namespace maru::serving {
namespace {

// Whether the model was taught to answer: the manifest of one of ours says so; of others a chat template is a good
// sign.
bool can_chat(const fs::path& path, const infer::LoadedModel& model) {
  if (!fs::exists(path / ledger::kManifestName)) return model.chat_template() != nullptr;
  const ledger::Manifest manifest = ledger::read_manifest(path);
  return manifest.notes.value("chat", !manifest.foreign.empty() && model.chat_template() != nullptr);
}

ModelFacts facts_of(const ModelSource& source, const infer::LoadedModel& model) {
  const Decoder& decoder = model.decoder();
  return {.parameters = count_parameters(decoder.config()),
          .context_length = decoder.config().max_position_embeddings,
          .dtype = std::string(name_of(decoder.dtype())),
          .chat = can_chat(source.path, model),
          .adapter = {}};
}

/// What changes bits besides weights and program.
std::string arithmetic_of(const HostOptions& options, const infer::LoadedModel& model, Device& device) {
  return std::string(name_of(device.host().isa)) + " " + std::string(name_of(model.decoder().dtype())) +
         (options.int8_cache ? " int8" : "");
}

int64_t weight_bytes(const fs::path& path) {
  if (!fs::is_directory(path)) return static_cast<int64_t>(fs::file_size(path));
  int64_t bytes = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(path))
    if (const fs::path& file = entry.path(); file.extension() == ".safetensors" || file.extension() == ".gguf")
      bytes += static_cast<int64_t>(entry.file_size());
  return bytes;
}

/// Those that both have are the same; one may have more.
void check_same_tokens(const text::Tokenizer& a, const text::Tokenizer& b, const ModelSource& source) {
  std::map<int32_t, std::string_view> known;
  for (const auto& [id, token] : a.spec().vocabulary) known.emplace(id, token);
  int64_t same = 0;
  for (const auto& [id, token] : b.spec().vocabulary) {
    const auto it = known.find(id);
    if (it != known.end() && it->second != token)
      throw Failure(ErrorCode::kInvalidArgument, infer::stored_name(source.draft) + " cannot guess for " +
                                                     infer::stored_name(source.path) + ": token " + std::to_string(id) +
                                                     " is \"" + excerpt(std::string(token)) + "\" in the one and \"" +
                                                     excerpt(std::string(it->second)) + "\" in the other");
    same += it != known.end() ? 1 : 0;
  }
  if (same < std::ssize(known) / 2)
    throw Failure(ErrorCode::kInvalidArgument, infer::stored_name(source.draft) + " cannot guess for " +
                                                   infer::stored_name(source.path) +
                                                   ": they have few tokens in common");
}

}  // namespace

StoredModel describe(const ModelSource& source, const HostOptions& options) {
  StoredModel stored{.id = source.id.empty() ? infer::stored_name(source.path) : source.id,
                     .encoder = is_sentence_encoder(source.path),
                     .facts = {},
                     .bytes = weight_bytes(source.path)};
  if (!source.draft.empty()) stored.bytes += weight_bytes(source.draft);
  if (stored.encoder) return stored;
  WeightSource weights(source.path);
  const DecoderConfig config = config_from_hugging_face(weights.config(), weights.config_name());
  stored.facts = {.parameters = count_parameters(config),
                  .context_length = config.max_position_embeddings,
                  .dtype = {},
                  .chat = {},
                  .adapter = {}};
  const Decoder decoder(config, options.dtype.value_or(Dtype::kBf16));
  stored.bytes += infer::cache_bytes_for(
      decoder,
      {.cache_bytes = options.cache_bytes, .max_sequences = options.max_running, .int8_cache = options.int8_cache});
  return stored;
}

LoadedParts load_parts(const ModelSource& source, const HostOptions& options, Device& device, ThreadPool* loader) {
  if (is_sentence_encoder(source.path)) return std::make_unique<infer::LoadedEncoder>(source.path, device);
  infer::LoadOptions how{.dtype = options.dtype,
                         .cache_bytes = options.cache_bytes,
                         .max_sequences = options.max_running,
                         .int8_cache = options.int8_cache,
                         .loader = loader};
  const IdentityOfFiles files(options.receipts != nullptr, source.path);
  auto model = std::make_shared<infer::LoadedModel>(source.path, device, how);
  std::shared_ptr<infer::LoadedModel> draft;
  if (!source.draft.empty()) {
    how.pages = model->runner().num_pages();
    draft = std::make_shared<infer::LoadedModel>(source.draft, device, how);
    check_same_tokens(model->tokenizer(), draft->tokenizer(), source);
  }
  const text::AnswerForms forms = forms_of(options.tool_parser, options.reasoning_parser, model->chat_template());
  return ModelParts{.model = &model->runner(),
                    .tokenizer = &model->tokenizer(),
                    .chat_template = model->chat_template(),
                    .draft_model = draft != nullptr ? &draft->runner() : nullptr,
                    .decoder = &model->decoder(),
                    .id = source.id.empty() ? model->name() : source.id,
                    .fingerprint = system_fingerprint(source.path, arithmetic_of(options, *model, device)),
                    .end_tokens = end_tokens_of(model->end_tokens(), model->tokenizer(), forms),
                    .forms = forms,
                    .facts = facts_of(source, *model),
                    .bytes = model->bytes() + (draft != nullptr ? draft->bytes() : 0),
                    .identity = files.of(model->decoder().dtype(), options.int8_cache, device.host().isa),
                    .owner = std::make_shared<std::pair<decltype(model), decltype(draft)>>(model, draft)};
}

std::string id_of(const AdapterSource& source) {
  return source.id.empty() ? infer::stored_name(source.path) : source.id;
}

std::string model_of(const AdapterSource& source) {
  const Json config = read_json(source.path / "adapter_config.json");
  const auto base = config.is_object() ? config.find("base_model_name_or_path") : config.end();
  if (base == config.end() || !base->is_string()) return "";
  std::string name = base->get<std::string>();
  while (name.ends_with('/')) name.pop_back();
  return name.substr(name.rfind('/') + 1);
}

int64_t stored_bytes(const AdapterSource& source) { return weight_bytes(source.path); }

AdapterParts load_adapter_parts(const AdapterSource& source, const ServedModel& model, Device& device) {
  const IdentityOfFiles files(model.identity().has_value(), source.path);
  AdapterParts parts{.id = id_of(source),
                     .adapter = infer::stored_name(source.path),
                     .fingerprint = system_fingerprint(source.path, model.fingerprint()),
                     .weights = std::make_shared<Adapter>(device, *model.decoder(), source.path)};
  parts.bytes = value_bytes(*parts.weights);
  parts.identity = files.beside(model.identity());
  return parts;
}

}  // namespace maru::serving
