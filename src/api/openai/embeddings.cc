#include "api/openai/embeddings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <utility>

#include "api/dialect/encoder_answer.h"
#include "api/openai/error.h"
#include "base/base64.h"
#include "base/json_node.h"
#include "http/json_body.h"

namespace maru::api::openai {
namespace {

constexpr size_t kMaxTexts = 2048;

struct EmbeddingRequest {
  std::string model, encoding_format = "float", input_type, truncate = "NONE";
  Json input;
  std::optional<int64_t> dimensions;
  static constexpr auto fields() {
    using C = EmbeddingRequest;
    return std::tuple{field("model", &C::model, "the id of a text encoder that /v1/models lists"),
                      field("input", &C::input, "a text, or a list of at most 2,048"),
                      field("encoding_format", &C::encoding_format, "of the vectors").one_of("float|base64"),
                      field("dimensions", &C::dimensions, "of the vectors: the model's own").range(1, 1 << 20),
                      field("input_type", &C::input_type, "what the model puts before it").one_of("|query|passage"),
                      field("truncate", &C::truncate, "what a text that is too long loses").one_of("NONE|START|END")};
  }
};

struct RankingRequest {
  std::string model, truncate = "END";
  Json query, passages;
  static constexpr auto fields() {
    using C = RankingRequest;
    return std::tuple{field("model", &C::model, "the id of a reranker that /v1/models lists"),
                      field("query", &C::query, "{\"text\": …}"),
                      field("passages", &C::passages, "a list of {\"text\": …}"),
                      field("truncate", &C::truncate, "the longer of two texts loses its end").one_of("END")};
  }
};

struct RerankRequest {
  std::string model, query;
  Json documents;
  std::optional<int64_t> top_n;
  bool return_documents = false;
  static constexpr auto fields() {
    using C = RerankRequest;
    return std::tuple{field("model", &C::model, "the id of a reranker that /v1/models lists"),
                      field("query", &C::query, "what the documents may answer"),
                      field("documents", &C::documents, "a list of texts, or of {\"text\": …}"),
                      field("top_n", &C::top_n, "only so many of the best").range(1, 1 << 30),
                      field("return_documents", &C::return_documents, "with their texts")};
  }
};

const http::BodyFields& embedding_fields() {
  static const http::BodyFields kFields = http::body_fields<EmbeddingRequest>(
      "embeddings", {{"add_special_tokens", "true", "vLLM: those that the tokenizer puts around a text"},
                     {"embedding_type", "\"float\"", "NIM: numbers of another kind"},
                     {"mm_processor_kwargs", "{}", "vLLM: of images and audio"},
                     {"modality", "\"text\"|[\"text\"]", "NIM: of images"},
                     {"priority", "*", "vLLM: which is computed first"},
                     {"request_id", "*", "vLLM: the client's name for the request"},
                     {"truncate_prompt_tokens", "", "vLLM: use truncate"},
                     {"user", "*", "OpenAI: who the client asks for"}});
  return kFields;
}

const http::BodyFields& ranking_fields() {
  static const http::BodyFields kFields = http::body_fields<RankingRequest>("ranking", {});
  return kFields;
}

const http::BodyFields& rerank_fields() {
  static const http::BodyFields kFields = http::body_fields<RerankRequest>(
      "rerank", {{"max_chunks_per_doc", "", "Cohere: how often a long document is cut"},
                 {"max_tokens_per_doc", "", "Cohere: how much of a document is read"},
                 {"priority", "*", "vLLM: which is computed first"},
                 {"rank_fields", "", "Cohere: of documents with fields"},
                 {"request_id", "*", "vLLM: the client's name for the request"},
                 {"truncate_prompt_tokens", "", "vLLM: how much of a document is read"},
                 {"user", "*", "vLLM: who the client asks for"}});
  return kFields;
}

struct Encoders {
  const serving::ModelHost& models;
  serving::ChoiceLimits& limits;
};

using Warnings = std::vector<std::string>;

template <class T>
T read_body(const Encoders& from, const http::Request& http, const http::BodyFields& fields, Warnings& warnings) {
  const bool ignore = from.models.options().api.ignore_unknown_fields;
  return http::read_fields<T>(http::take_fields(http::read_object(http.body), fields, ignore, warnings));
}

std::vector<JsonNode> texts_of(const JsonNode& node) {
  if (node.is_string()) return {node};
  if (node.size() == 0 || node.size() > kMaxTexts) node.fail("a text, or a list of 1 to 2048");
  return node.elements();
}

infer::Truncation truncation_of(const std::string& word) {
  if (word == "NONE") return infer::Truncation::kNone;
  return word == "START" ? infer::Truncation::kStart : infer::Truncation::kEnd;
}

Json usage_of(int64_t tokens) { return {{"prompt_tokens", tokens}, {"total_tokens", tokens}}; }

Json vector_json(const std::vector<float>& vector, bool base64) {
  if (base64) return to_base64({reinterpret_cast<const char*>(vector.data()), vector.size() * sizeof(float)});
  Json numbers = Json::array();
  for (const float x : vector) numbers.push_back(std::stod(fmt::format("{}", x)));  // as short as a float is
  return numbers;
}

/// Clients that cannot send an input_type say it behind the model's name.
std::string without_suffix(std::string& model) {
  for (const std::string_view kind : {"query", "passage"})
    if (const std::string suffix = "-" + std::string(kind); model.ends_with(suffix)) {
      model.resize(model.size() - suffix.size());
      return std::string(kind);
    }
  return "";
}

http::Reply embed(const Encoders& from, const http::Request& http, const http::Wake& wake, Warnings& warnings) {
  auto request = read_body<EmbeddingRequest>(from, http, embedding_fields(), warnings);
  if (request.model.empty()) refuse("you must provide a model parameter", "model", "missing_required_parameter");
  const auto all = from.models.list_encoders();
  const bool known = std::any_of(all.begin(), all.end(), [&](const auto& m) { return m->id() == request.model; });
  if (const std::string kind = known ? "" : without_suffix(request.model); !kind.empty()) request.input_type = kind;
  const auto model = from.models.get_encoder(request.model, http.caller());
  if (request.dimensions && *request.dimensions != model->dimension())
    refuse("dimensions: this model's vectors have " + std::to_string(model->dimension()), "dimensions");
  const std::string prefix = request.input_type.empty() ? "" : model->prefix(request.input_type);
  std::vector<infer::EncoderInput> inputs;
  for (const JsonNode& text : texts_of(JsonNode::of_request(request.input, "input")))
    inputs.push_back(read_text(*model, text, prefix, truncation_of(request.truncate)));
  const auto render = [id = model->id(), base64 = request.encoding_format == "base64"](const Vectors& vectors,
                                                                                       int64_t tokens) {
    Json data = Json::array();
    for (size_t i = 0; i < vectors.size(); ++i)
      data.push_back({{"object", "embedding"}, {"index", i}, {"embedding", vector_json(vectors[i], base64)}});
    return Json{{"object", "list"}, {"data", std::move(data)}, {"model", id}, {"usage", usage_of(tokens)}};
  };
  return {encoder_answer({.model = model, .inputs = std::move(inputs), .dialect = kDialect}, http, from.limits, wake,
                         render)};
}

struct Ranked {
  size_t index;
  double logit;
};

/// Best first; of equals the first.
std::vector<Ranked> in_order(const Vectors& logits) {
  std::vector<Ranked> ranked;
  for (size_t i = 0; i < logits.size(); ++i) ranked.push_back({i, static_cast<double>(logits[i].at(0))});
  std::stable_sort(ranked.begin(), ranked.end(), [](const Ranked& a, const Ranked& b) { return a.logit > b.logit; });
  return ranked;
}

const std::string& text_in(const JsonNode& node) { return node.is_string() ? node.string() : node["text"].string(); }

using Rank = std::function<Json(const std::vector<Ranked>&, int64_t tokens)>;

http::Reply rank(const Encoders& from, const http::Request& http,
                 const std::shared_ptr<const serving::ServedEncoder>& model, const std::string& query,
                 const JsonNode& documents, Rank render, const http::Wake& wake) {
  if (!model->is_reranker())
    refuse("the model \"" + model->id() + "\" is no reranker: it gives no score to a pair of texts", "model");
  std::vector<infer::EncoderInput> inputs;
  for (const JsonNode& document : texts_of(documents))
    inputs.push_back(model->input_of(infer::TextPair{query, text_in(document)}));
  return {encoder_answer(
      {.model = model, .inputs = std::move(inputs), .task = infer::EncoderTask::kClassify, .dialect = kDialect}, http,
      from.limits, wake, [render = std::move(render)](const Vectors& logits, int64_t tokens) {
        return render(in_order(logits), tokens);
      })};
}

http::Reply ranking(const Encoders& from, const http::Request& http, const http::Wake& wake, Warnings& warnings) {
  const auto request = read_body<RankingRequest>(from, http, ranking_fields(), warnings);
  const auto render = [](const std::vector<Ranked>& ranked, int64_t tokens) {
    Json rankings = Json::array();
    for (const Ranked& one : ranked) rankings.push_back({{"index", one.index}, {"logit", one.logit}});
    return Json{{"rankings", std::move(rankings)}, {"usage", usage_of(tokens)}};
  };
  const auto model = from.models.get_encoder(request.model, http.caller());
  return rank(from, http, model, text_in(JsonNode::of_request(request.query, "query")),
              JsonNode::of_request(request.passages, "passages"), render, wake);
}

http::Reply rerank(const Encoders& from, const http::Request& http, const http::Wake& wake, Warnings& warnings) {
  const auto request = read_body<RerankRequest>(from, http, rerank_fields(), warnings);
  const auto model = from.models.get_encoder(request.model, http.caller());
  const auto documents = std::make_shared<const Json>(request.documents);
  const auto render = [=, id = model->id(), sigmoid = model->has_sigmoid(), top = request.top_n,
                       with_texts = request.return_documents](const std::vector<Ranked>& ranked, int64_t tokens) {
    Json results = Json::array();
    for (const Ranked& one : ranked) {
      if (top && std::ssize(results) >= *top) break;
      Json result{{"index", one.index}, {"relevance_score", sigmoid ? 1 / (1 + std::exp(-one.logit)) : one.logit}};
      if (with_texts)
        result["document"] = {{"text", text_in(JsonNode::of_request((*documents)[one.index], "documents"))}};
      results.push_back(std::move(result));
    }
    return Json{{"model", id}, {"results", std::move(results)}, {"usage", usage_of(tokens)}};
  };
  return rank(from, http, model, request.query, JsonNode::of_request(*documents, "documents"), render, wake);
}

}  // namespace

std::vector<const http::BodyFields*> encoder_fields() {
  return {&embedding_fields(), &ranking_fields(), &rerank_fields()};
}

void add_encoder_routes(http::Router& router, const serving::ModelHost& models, serving::ChoiceLimits& limits) {
  const auto add = [&](std::string pattern, auto answer, std::string doc, Json (*body)(Schemas&)) {
    router.add({.method = http::Method::kPost,
                .pattern = std::move(pattern),
                .handler =
                    [from = Encoders{models, limits}, answer](const http::Request& r, const http::Wake& w) {
                      Warnings warnings;
                      http::Reply reply = answer(from, r, w, warnings);
                      http::add_warnings(reply, warnings);
                      return reply;
                    },
                .scope = "inference",
                .dialect = &kDialect,
                .doc = std::move(doc),
                .body = body});
  };
  add("/v1/embeddings", embed, "texts as vectors", http::body_schema<EmbeddingRequest>);
  add("/v1/ranking", ranking, "passages in the order in which they answer a query", http::body_schema<RankingRequest>);
  for (const char* pattern : {"/v1/rerank", "/v2/rerank", "/rerank"})
    add(pattern, rerank, "the same in Jina's and Cohere's words", http::body_schema<RerankRequest>);
}

}  // namespace maru::api::openai
