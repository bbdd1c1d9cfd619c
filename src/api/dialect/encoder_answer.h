// Texts that an encoder computes, and what a dialect makes of the vectors.
#pragma once
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "base/json_node.h"
#include "http/dialect.h"
#include "http/http.h"
#include "serving/choice_limits.h"
#include "serving/served_encoder.h"

namespace maru::api {

using Vectors = std::vector<std::vector<float>>;  // of each text; of a reranker one number

/// What is to be computed, for whom.
struct EncoderWork {
  std::shared_ptr<const serving::ServedEncoder> model;
  std::vector<infer::EncoderInput> inputs;
  infer::EncoderTask task = infer::EncoderTask::kEmbed;
  const http::Dialect& dialect;  // of errors; must outlive the answer
};

/// A text of a request, with what the model's files put before such.
///
/// Throws   RequestFailure naming its place: it is empty, or too long and not to be cut.
infer::EncoderInput read_text(const serving::ServedEncoder& model, const JsonNode& text, std::string_view prefix,
                              infer::Truncation truncation);

/// Charges the caller for the tokens and submits the work. `render` is called on a worker, with all vectors and how
/// many tokens they are of.
///
/// Throws   LimitFailure; what EncoderEngine::submit throws.
std::unique_ptr<http::Pending> encoder_answer(EncoderWork work, const http::Request& http,
                                              serving::ChoiceLimits& limits, const http::Wake& wake,
                                              std::function<Json(const Vectors&, int64_t tokens)> render);

}  // namespace maru::api
