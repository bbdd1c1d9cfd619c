#include "pipeline/local_model.h"

#include "pipeline/origin.h"

namespace maru::pipeline {

LocalModel::LocalModel(const Workplace& at, const std::string& name, const fs::path& adapter)
    : watch_(at.watch),
      loaded_(at.home.find(Kind::kModel, name), at.machine.device(), {.adapter = adapter}),
      engine_(loaded_.runner(), loaded_.tokenizer(), {.end_tokens = loaded_.end_tokens()}) {
  warn_of_another_base(at, adapter, {at.home.find(Kind::kModel, name)});
}

const text::ChatTemplate& LocalModel::chat_template() const {
  if (loaded_.chat_template() == nullptr)
    throw Failure(ErrorCode::kInvalidArgument,
                  loaded_.name() + ": the model has no chat template; `maru generate` continues a text");
  return *loaded_.chat_template();
}

infer::GenerationResult LocalModel::generate(std::vector<int32_t> prompt, const Sampling& s,
                                             const std::function<void(std::string_view)>& on_text) {
  const int64_t room = engine_.max_context() - static_cast<int64_t>(prompt.size());
  infer::GenerationRequest request;
  request.prompt = std::move(prompt);
  request.sampling = {.temperature = s.temperature, .top_k = s.top_k, .top_p = s.top_p};
  if (s.seed >= 0) request.seed = static_cast<uint64_t>(s.seed);
  request.max_tokens = std::max<int64_t>(1, std::min(s.max_tokens, room));
  request.stop = s.stop;
  request.continues_prompt = s.continues_prompt;
  return infer::generate(engine_, std::move(request), [&](std::string_view text) {
    if (on_text) on_text(text);
    return !watch_.cancelled();
  });
}

}  // namespace maru::pipeline
