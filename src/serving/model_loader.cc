#include "serving/model_loader.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "infer/loaded_model.h"
#include "ledger/manifest.h"
#include "models/config.h"
#include "models/weight_source.h"
#include "models/weights.h"
#include "serving/model_forms.h"
#include "serving/model_host.h"
#include "serving/served_encoder.h"

namespace maru::serving {
namespace {

std::string name_of(const fs::path& path) {
  const fs::path whole = fs::weakly_canonical(path);
  return (fs::is_directory(whole) ? whole.filename() : whole.stem()).string();
}

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
          .dtype = std::string(maru::name_of(decoder.dtype())),
          .chat = can_chat(source.path, model),
          .adapter = {}};
}

int64_t weight_bytes(const fs::path& path) {
  if (!fs::is_directory(path)) return static_cast<int64_t>(fs::file_size(path));
  int64_t bytes = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(path))
    if (const fs::path& file = entry.path(); file.extension() == ".safetensors" || file.extension() == ".gguf")
      bytes += static_cast<int64_t>(entry.file_size());
  return bytes;
}

int64_t bytes_of(Model& model) {
  int64_t bytes = 0;
  for (const Parameter* parameter : model.parameters()) bytes += static_cast<int64_t>(parameter->value.bytes());
  return bytes;
}

}  // namespace

StoredModel describe(const ModelSource& source, const HostOptions& options) {
  StoredModel stored{.id = source.id.empty() ? name_of(source.path) : source.id,
                     .encoder = is_encoder(source.path),
                     .facts = {},
                     .bytes = weight_bytes(source.path)};
  if (stored.encoder) return stored;
  WeightSource weights(source.path);
  const DecoderConfig config = config_from_hugging_face(weights.config(), weights.config_name());
  stored.facts = {.parameters = count_parameters(config),
                  .context_length = config.max_position_embeddings,
                  .dtype = {},
                  .chat = {},
                  .adapter = {}};
  stored.bytes += options.cache_bytes;
  return stored;
}

LoadedParts load_parts(const ModelSource& source, const HostOptions& options, Device& device, ThreadPool* loader) {
  if (is_encoder(source.path)) return std::make_unique<infer::LoadedEncoder>(source.path, device);
  auto model = std::make_shared<infer::LoadedModel>(source.path, device,
                                                    infer::LoadOptions{.adapter = {},
                                                                       .dtype = options.dtype,
                                                                       .cache_bytes = options.cache_bytes,
                                                                       .max_sequences = options.max_running,
                                                                       .int8_cache = options.int8_cache,
                                                                       .loader = loader});
  const text::AnswerForms forms = forms_of(options.tool_parser, options.reasoning_parser, model->chat_template());
  return ModelParts{.model = &model->runner(),
                    .tokenizer = &model->tokenizer(),
                    .chat_template = model->chat_template(),
                    .decoder = &model->decoder(),
                    .id = source.id.empty() ? model->name() : source.id,
                    .end_tokens = end_tokens_of(model->end_tokens(), model->tokenizer(), forms),
                    .forms = forms,
                    .facts = facts_of(source, *model),
                    .bytes = model->bytes(),
                    .owner = model};
}

std::string id_of(const AdapterSource& source) { return source.id.empty() ? name_of(source.path) : source.id; }

std::string model_of(const AdapterSource& source) {
  const Json config = read_json(source.path / "adapter_config.json");
  const auto base = config.is_object() ? config.find("base_model_name_or_path") : config.end();
  if (base == config.end() || !base->is_string()) return "";
  std::string name = base->get<std::string>();
  while (name.ends_with('/')) name.pop_back();
  return name.substr(name.rfind('/') + 1);
}

int64_t stored_bytes(const AdapterSource& source) { return weight_bytes(source.path); }

AdapterParts load_adapter_parts(const AdapterSource& source, Decoder& model, Device& device) {
  AdapterParts parts{.id = id_of(source),
                     .adapter = name_of(source.path),
                     .weights = std::make_shared<Adapter>(device, model, source.path),
                     .bytes = 0};
  parts.bytes = bytes_of(*parts.weights);
  return parts;
}

}  // namespace maru::serving
