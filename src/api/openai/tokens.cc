#include "api/openai/tokens.h"

#include <memory>
#include <utility>

#include "api/openai/chat.h"
#include "api/openai/error.h"
#include "api/openai/json.h"
#include "api/openai/request.h"
#include "http/json_body.h"
#include "http/request_fields.h"
#include "serving/ids.h"

namespace maru::api::openai {
namespace {

constexpr size_t kMaxTokens = 200'000;  // of an answer; bodies have no more values either

struct TokenizeRequest {
  std::string model;
  std::optional<std::string> prompt;
  Json messages, tools, chat_template_kwargs;
  std::optional<bool> add_special_tokens;
  bool add_generation_prompt = true, continue_final_message = false, return_token_strs = false;
  static constexpr auto fields() {
    using C = TokenizeRequest;
    return std::tuple{
        field("model", &C::model, "the id of a model that /v1/models lists; may be left out where there is one"),
        field("prompt", &C::prompt, "a text; or"),
        field("messages", &C::messages, "a conversation, as the chat template writes it"),
        field("tools", &C::tools, "functions the chat template shows to the model"),
        field("chat_template_kwargs", &C::chat_template_kwargs, "further variables of the chat template"),
        field("add_special_tokens", &C::add_special_tokens,
              "those that the tokenizer puts around a text; of a prompt true, of a conversation false"),
        field("add_generation_prompt", &C::add_generation_prompt, "begin an answer"),
        field("continue_final_message", &C::continue_final_message, "go on with the last message instead"),
        field("return_token_strs", &C::return_token_strs, "with the text of each token")};
  }
};

struct DetokenizeRequest {
  std::string model;
  std::vector<int64_t> tokens;
  static constexpr auto fields() {
    using C = DetokenizeRequest;
    return std::tuple{field("model", &C::model, "as of /tokenize"), field("tokens", &C::tokens, "ids")};
  }
};

const http::BodyFields& tokenize_fields() {
  static const http::BodyFields kFields =
      http::body_fields<TokenizeRequest>("tokenize", {{"chat_template", "", "vLLM: the model's own is used"},
                                                      {"media_io_kwargs", "{}", "vLLM: of images and audio"},
                                                      {"mm_processor_kwargs", "{}", "vLLM: of images and audio"}});
  return kFields;
}

const http::BodyFields& detokenize_fields() {
  static const http::BodyFields kFields = http::body_fields<DetokenizeRequest>("detokenize", {});
  return kFields;
}

using Model = std::shared_ptr<const serving::ServedModel>;

/// The handlers.
class Tokens {
 public:
  explicit Tokens(const serving::ModelHost& models) : models_(models) {}

  http::Reply tokenize(const http::Request& http) const {
    std::vector<std::string> warnings;
    const auto request = read<TokenizeRequest>(http, tokenize_fields(), warnings);
    const Model model = model_of(request.model, http);
    const std::vector<int32_t> tokens = tokens_of(request, *model, warnings);
    if (tokens.size() > kMaxTokens)
      refuse("the text has " + std::to_string(tokens.size()) + " tokens; expected at most 200000",
             request.prompt ? "prompt" : "messages");
    Json body{{"count", tokens.size()}, {"max_model_len", model->limits().max_context}, {"tokens", tokens}};
    Json& texts = body["token_strs"];
    if (request.return_token_strs) texts = Json::array();
    if (request.return_token_strs)
      for (const int32_t token : tokens) texts.push_back(shown_token(model->tokenizer().spelling_of(token)));
    return reply_of(body, warnings);
  }

  http::Reply detokenize(const http::Request& http) const {
    std::vector<std::string> warnings;
    const auto request = read<DetokenizeRequest>(http, detokenize_fields(), warnings);
    const Model model = model_of(request.model, http);
    const text::Tokenizer& tokenizer = model->tokenizer();
    std::vector<int32_t> tokens;
    for (size_t i = 0; i < request.tokens.size(); ++i) {
      const int64_t id = request.tokens[i];
      if (id < 0 || id >= tokenizer.vocab_size() || !tokenizer.contains(static_cast<int32_t>(id)))
        refuse(numbered("tokens", i) + ": expected the id of a token, got " + std::to_string(id),
               numbered("tokens", i));
      tokens.push_back(static_cast<int32_t>(id));
    }
    return reply_of({{"prompt", tokenizer.decode(tokens)}}, warnings);
  }

  http::Reply render_chat(const http::Request& http) const {
    const ChatRequest request = parse_chat_request(http.body, ignores_unknown());
    const Model model = models_.get(request.model, http.caller());
    const PreparedRequest prepared = prepare(request, model->chat(), model->limits());
    return reply_of(rendered(request, prepared, 0, "chatcmpl-"), prepared.warnings);
  }

  http::Reply render_completion(const http::Request& http) const {
    const CompletionRequest request = parse_completion_request(http.body, ignores_unknown());
    const Model model = models_.get(request.model, http.caller());
    const PreparedRequest prepared = prepare(request, model->tokenizer(), model->limits());
    Json list = Json::array();
    for (size_t i = 0; i < prepared.prompts.size(); ++i) list.push_back(rendered(request, prepared, i, "cmpl-"));
    return reply_of(list, prepared.warnings);
  }

 private:
  bool ignores_unknown() const { return models_.options().api.ignore_unknown_fields; }

  template <class T>
  T read(const http::Request& http, const http::BodyFields& fields, std::vector<std::string>& warnings) const {
    return http::read_fields<T>(http::take_fields(http::read_object(http.body), fields, ignores_unknown(), warnings));
  }

  /// The one that is named, or the only one there is for this caller.
  Model model_of(const std::string& id, const http::Request& http) const {
    const Principal principal = http.caller().principal;
    if (!id.empty()) return models_.get(id, http.caller());
    std::vector<Model> mine = models_.list();
    std::erase_if(mine, [&](const Model& model) { return !principal.may_ask(model->id()); });
    if (mine.size() != 1)
      refuse("you must provide a model parameter, as " + std::to_string(mine.size()) + " are served", "model",
             "missing_required_parameter");
    return mine.front();
  }

  static std::vector<int32_t> tokens_of(const TokenizeRequest& request, const serving::ServedModel& model,
                                        std::vector<std::string>& warnings) {
    if (request.prompt.has_value() != request.messages.is_null())
      refuse("expected either a prompt or messages", request.prompt ? "messages" : "prompt");
    if (request.prompt)
      return model.tokenizer().encode(*request.prompt,
                                      {.add_special_tokens = request.add_special_tokens.value_or(true)});
    if (request.add_special_tokens.value_or(false))
      refuse("add_special_tokens: the chat template writes those of a conversation; expected false",
             "add_special_tokens", "unsupported_parameter");
    ChatRequest chat;
    chat.messages = request.messages;
    chat.tools = request.tools;
    chat.chat_template_kwargs = request.chat_template_kwargs;
    chat.add_generation_prompt = request.add_generation_prompt;
    chat.continue_final_message = request.continue_final_message;
    check_messages(chat);
    serving::ChatPrompt prompt = serving::chat_prompt(read_conversation(chat, model.chat()), model.chat());
    warnings.insert(warnings.end(), prompt.warnings.begin(), prompt.warnings.end());
    return std::move(prompt.tokens);
  }

  static Json sampling_of(const CommonRequest& request, const infer::GenerationRequest& generation) {
    const infer::SamplingOptions& sampling = generation.sampling;
    const auto or_null = [](int64_t count) { return count < 0 ? Json(nullptr) : Json(count); };
    return {{"n", generation.choices},
            {"temperature", sampling.temperature},
            {"top_k", sampling.top_k},
            {"top_p", sampling.top_p},
            {"min_p", sampling.min_p},
            {"presence_penalty", sampling.presence_penalty},
            {"frequency_penalty", sampling.frequency_penalty},
            {"repetition_penalty", sampling.repetition_penalty},
            {"seed", request.seed ? Json(*request.seed) : Json(nullptr)},
            {"max_tokens", generation.max_tokens},
            {"min_tokens", generation.min_tokens},
            {"stop", generation.stop},
            {"stop_token_ids", generation.stop_tokens},
            {"ignore_eos", generation.ignore_eos},
            {"include_stop_str_in_output", generation.keeps_stop},
            {"skip_special_tokens", !generation.shows_special},
            {"logprobs", or_null(sampling.top_logprobs)},
            {"prompt_logprobs", generation.score_prompt ? or_null(generation.prompt_top) : Json(nullptr)}};
  }

  /// What vLLM's servers hand to each other; "prompt_text" is ours.
  Json rendered(const CommonRequest& request, const PreparedRequest& prepared, size_t prompt,
                const char* prefix) const {
    const infer::GenerationRequest& generation = prepared.prompts[prompt];
    const std::string& text = prepared.texts[prompt];
    return {{"request_id", ids_.next(prefix)},
            {"model", request.model},
            {"prompt_text", text.empty() ? Json(nullptr) : Json(text)},
            {"token_ids", generation.prompt},
            {"features", nullptr},
            {"sampling_params", sampling_of(request, generation)},
            {"stream", request.stream},
            {"stream_options", request.stream_options ? to_json(*request.stream_options) : Json(nullptr)},
            {"cache_salt", request.cache_salt.empty() ? Json(nullptr) : Json(request.cache_salt)},
            {"priority", request.priority},
            {"kv_transfer_params", nullptr}};
  }

  static http::Reply reply_of(const Json& body, const std::vector<std::string>& warnings) {
    http::Reply reply{http::Response{.body = http::to_line(body)}};
    http::add_warnings(reply, warnings);
    return reply;
  }

  const serving::ModelHost& models_;
  mutable serving::Ids ids_;
};

}  // namespace

void add_token_routes(http::Router& router, const serving::ModelHost& models) {
  const auto api = std::make_shared<const Tokens>(models);
  const auto add = [&](const char* pattern, http::Reply (Tokens::*handler)(const http::Request&) const, const char* doc,
                       Json (*body)(Schemas&)) {
    router.add({.method = http::Method::kPost,
                .pattern = pattern,
                .handler = [api, handler](const http::Request& r, const http::Wake&) { return (*api.*handler)(r); },
                .scope = "inference",
                .dialect = &kDialect,
                .doc = doc,
                .body = body});
  };
  add("/tokenize", &Tokens::tokenize, "the tokens of a text or a conversation", http::body_schema<TokenizeRequest>);
  add("/detokenize", &Tokens::detokenize, "the text of tokens", http::body_schema<DetokenizeRequest>);
  add("/v1/chat/completions/render", &Tokens::render_chat, "what a chat's answer would be generated from",
      http::body_schema<ChatRequest>);
  add("/v1/completions/render", &Tokens::render_completion, "what a completion would be generated from",
      http::body_schema<CompletionRequest>);
}

}  // namespace maru::api::openai
