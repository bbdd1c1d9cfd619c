#include "api/ollama/embed.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <memory>
#include <utility>

#include "api/dialect/encoder_answer.h"
#include "api/ollama/error.h"
#include "api/ollama/names.h"
#include "api/ollama/options.h"
#include "base/json_node.h"
#include "http/json_body.h"

namespace maru::api::ollama {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxTexts = 2048;

struct OllamaEmbedRequest {
  std::string model;
  Json input, options, keep_alive;
  bool truncate = true;
  std::optional<int64_t> dimensions;
  static constexpr auto fields() {
    using C = OllamaEmbedRequest;
    return std::tuple{field("model", &C::model, "a text encoder that /api/tags lists"),
                      field("input", &C::input, "a text, or a list of at most 2,048"),
                      field("truncate", &C::truncate, "a text that is too long loses its end; false: it is refused"),
                      field("dimensions", &C::dimensions, "of the vectors: the model's own").range(1, 1 << 20),
                      field("options", &C::options, "accepted: nothing in it changes a vector"),
                      field("keep_alive", &C::keep_alive, "accepted and ignored: models stay")};
  }
};

struct OllamaEmbeddingsRequest {
  std::string model, prompt;
  Json options, keep_alive;
  static constexpr auto fields() {
    using C = OllamaEmbeddingsRequest;
    return std::tuple{field("model", &C::model, "a text encoder that /api/tags lists"),
                      field("prompt", &C::prompt, "a text"),
                      field("options", &C::options, "accepted: nothing in it changes a vector"),
                      field("keep_alive", &C::keep_alive, "accepted and ignored: models stay")};
  }
};

struct Encoders {
  const serving::ModelHost& models;
  serving::ChoiceLimits& limits;
};

Json vector_json(const std::vector<float>& vector, double scale) {
  Json numbers = Json::array();
  for (const float x : vector) numbers.push_back(std::stod(fmt::format("{}", static_cast<float>(x * scale))));
  return numbers;
}

/// Of length one, as Ollama gives them; a vector of zeros stays.
Json unit_json(const std::vector<float>& vector) {
  double sum = 0;
  for (const float x : vector) sum += static_cast<double>(x) * x;
  return vector_json(vector, sum > 0 ? 1 / std::sqrt(sum) : 1);
}

http::Reply submit(const Encoders& from, const http::Request& http, const http::Wake& wake,
                   const std::shared_ptr<const serving::ServedEncoder>& model, const std::vector<JsonNode>& texts,
                   bool truncate, const std::function<Json(const Vectors&, int64_t tokens)>& render) {
  std::vector<infer::EncoderInput> inputs;
  for (const JsonNode& text : texts)
    inputs.push_back(read_text(*model, text, "", truncate ? infer::Truncation::kEnd : infer::Truncation::kNone));
  return {encoder_answer({.model = model, .inputs = std::move(inputs), .dialect = kDialect}, http, from.limits, wake,
                         render)};
}

http::Reply embed(const Encoders& from, const http::Request& http, const http::Wake& wake) {
  const auto begin = Clock::now();
  const auto request = http::read_fields<OllamaEmbedRequest>(http::read_object(http.body));
  read_options(request.options);
  const Caller caller = http.caller();
  const auto model = from.models.get_encoder(id_of(request.model, from.models, caller.principal), caller);
  if (request.dimensions && *request.dimensions != model->dimension())
    refuse("dimensions: this model's vectors have " + std::to_string(model->dimension()), "dimensions");
  const JsonNode input = JsonNode::of_request(request.input, "input");
  if (!input.is_string() && input.size() > kMaxTexts) input.fail("a text, or a list of at most 2048");
  const auto render = [name = request.model, begin](const Vectors& vectors, int64_t tokens) {
    Json list = Json::array();
    for (const auto& vector : vectors) list.push_back(unit_json(vector));
    const auto total = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - begin).count();
    return Json{{"model", name},
                {"embeddings", std::move(list)},
                {"total_duration", total},
                {"load_duration", 0},
                {"prompt_eval_count", tokens}};
  };
  if (input.is_array() && input.size() == 0) return {http::Response{.body = http::to_line(render({}, 0))}};
  return submit(from, http, wake, model, input.is_string() ? std::vector{input} : input.elements(), request.truncate,
                render);
}

http::Reply embeddings(const Encoders& from, const http::Request& http, const http::Wake& wake) {
  const auto request = http::read_fields<OllamaEmbeddingsRequest>(http::read_object(http.body));
  read_options(request.options);
  const Caller caller = http.caller();
  const auto model = from.models.get_encoder(id_of(request.model, from.models, caller.principal), caller);
  const Json prompt = request.prompt;
  return submit(from, http, wake, model, {JsonNode::of_request(prompt, "prompt")}, true,
                [](const Vectors& vectors, int64_t) {
                  return Json{{"embedding", vector_json(vectors.at(0), 1)}};
                });
}

}  // namespace

void add_embed_routes(http::Router& router, const serving::ModelHost& models, serving::ChoiceLimits& limits) {
  const auto add = [&](const char* pattern, auto answer, const char* doc, Json (*body)(Schemas&)) {
    router.add({.method = http::Method::kPost,
                .pattern = pattern,
                .handler = [from = Encoders{models, limits}, answer](
                               const http::Request& r, const http::Wake& w) { return answer(from, r, w); },
                .scope = "inference",
                .dialect = &kDialect,
                .doc = doc,
                .body = body});
  };
  add("/api/embed", embed, "texts as vectors, in Ollama's words", http::body_schema<OllamaEmbedRequest>);
  add("/api/embeddings", embeddings, "one text as a vector, in Ollama's older words",
      http::body_schema<OllamaEmbeddingsRequest>);
}

}  // namespace maru::api::ollama
