#include "infer/loaded_model.h"

#include <algorithm>

#include "base/json.h"
#include "models/checkpoint.h"
#include "models/weights.h"
#include "ops/attention.h"

namespace maru::infer {
namespace {

void add_end_token(std::vector<int32_t>& to, std::optional<int32_t> id) {
  if (id && std::find(to.begin(), to.end(), *id) == to.end()) to.push_back(*id);
}

/// Hugging Face: one id or a list of them.
void add_configured(std::vector<int32_t>& to, const fs::path& file) {
  if (!fs::exists(file)) return;
  const Json config = read_json(file);
  if (!config.is_object() || !config.contains("eos_token_id")) return;
  const Json& ids = config["eos_token_id"];
  for (const Json& id : ids.is_array() ? ids : Json::array({ids}))
    if (id.is_number_integer()) add_end_token(to, id.get<int32_t>());
}

std::vector<int32_t> find_end_tokens(const fs::path& directory, const text::Tokenizer& tokenizer) {
  std::vector<int32_t> ids;
  add_configured(ids, directory / "generation_config.json");
  add_end_token(ids, tokenizer.eos());
  add_end_token(ids, tokenizer.id_of("<|im_end|>"));
  return ids;
}

/// What the sequences can fill at most, and no more than is allowed.
int64_t cache_bytes_for(const Decoder& decoder, const LoadOptions& options) {
  const int64_t pages = pages_for(decoder.config().max_position_embeddings) * options.max_sequences;
  return std::min(options.cache_bytes, pages * static_cast<int64_t>(decoder.cache_shape().page_bytes()));
}

}  // namespace

LoadedModel::LoadedModel(const fs::path& directory, Stream stream, const LoadOptions& options)
    : name_(fs::weakly_canonical(directory).filename().string()),
      decoder_(load_model(directory, options.dtype)),
      tokenizer_(text::Tokenizer::load(directory)),
      chat_template_(text::ChatTemplate::load(directory, tokenizer_)),
      end_tokens_(find_end_tokens(directory, tokenizer_)) {
  if (tokenizer_.vocab_size() > decoder_->config().vocab_size)
    throw Failure(ErrorCode::kInvalidArgument,
                  directory.string() + ": the tokenizer has " + std::to_string(tokenizer_.vocab_size()) +
                      " tokens, the model only " + std::to_string(decoder_->config().vocab_size));
  Arena arena(0);
  Context context{stream, arena};
  pack_for_serving(context, *decoder_);
  if (!options.adapter.empty()) adapter_ = attach_adapter(stream, *decoder_, options.adapter);
  runner_ = std::make_unique<DecoderRunner>(*decoder_, std::move(stream), cache_bytes_for(*decoder_, options));
}

}  // namespace maru::infer
