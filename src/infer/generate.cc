#include "infer/generate.h"

namespace maru::infer {

GenerationResult generate(Engine& engine, GenerationRequest request,
                          const std::function<bool(std::string_view)>& on_text) {
  if (request.choices != 1)
    throw Failure(ErrorCode::kInvalidArgument, "choices = " + std::to_string(request.choices) + ": expected 1");
  const std::unique_ptr<Generation> generation = engine.submit(std::move(request));
  GenerationResult result;
  Piece piece;
  for (auto next = generation->wait_next(piece); next != Generation::Next::kEnd; next = generation->wait_next(piece)) {
    if (next == Generation::Next::kFailed) throw Failure(generation->error());
    result.text += piece.text;
    result.num_tokens = std::max(result.num_tokens, piece.num_tokens);
    if (piece.finish) result.finish = *piece.finish;
    result.cancelled = on_text && !piece.text.empty() && !on_text(piece.text);
    if (result.cancelled) break;
  }
  return result;
}

}  // namespace maru::infer
