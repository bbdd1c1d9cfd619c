#include "api/nim/probes.h"

#include <utility>

#include "base/request_failure.h"
#include "http/json_body.h"

namespace maru::api::nim {
namespace {

using Model = std::shared_ptr<const serving::ServedModel>;

/// The one that the query names ("?model=ID"), else the first that this caller may ask.
Model model_of(const serving::ModelHost& models, const http::Request& request) {
  const Caller caller = request.caller();
  if (const std::string_view id = request.parameter("model"); !id.empty())
    return models.get(std::string(id), caller);
  for (const Model& model : models.list())
    if (caller.principal.may_ask(model->id())) return model;
  throw Failure(ErrorCode::kNotFound, "no model that writes text is served here to this key");
}

std::string spelling_of(const text::Tokenizer& tokenizer, std::optional<int32_t> token) {
  return token ? std::string(tokenizer.spelling_of(*token)) : "";
}

/// What a request gets that says nothing, under llama.cpp's names.
Json default_params(const serving::ServedModel& model) {
  const infer::SamplingOptions sampling;
  return {{"n_predict", -1},
          {"seed", -1},
          {"temperature", sampling.temperature},
          {"top_k", sampling.top_k},
          {"top_p", sampling.top_p},
          {"min_p", sampling.min_p},
          {"repeat_penalty", sampling.repetition_penalty},
          {"repeat_last_n", -1},
          {"presence_penalty", sampling.presence_penalty},
          {"frequency_penalty", sampling.frequency_penalty},
          {"mirostat", 0},
          {"typical_p", 1},
          {"stop", Json::array()},
          {"max_tokens", -1},
          {"ignore_eos", false},
          {"stream", false},
          {"n_ctx", model.limits().max_context}};
}

/// `model_path` is the model's name: nobody is told where files lie.
Json props(const serving::ServedModel& model, int64_t slots, const std::string& version) {
  const serving::ChatModel chat = model.chat();
  return {{"default_generation_settings",
           {{"id", 0}, {"n_ctx", model.limits().max_context}, {"params", default_params(model)}}},
          {"total_slots", slots},
          {"model_alias", model.id()},
          {"model_path", model.id()},
          {"chat_template", chat.chat_template == nullptr ? "" : chat.chat_template->source()},
          {"bos_token", spelling_of(*chat.tokenizer, chat.tokenizer->bos())},
          {"eos_token", spelling_of(*chat.tokenizer, chat.tokenizer->eos())},
          {"modalities", {{"vision", false}, {"audio", false}}},
          {"build_info", "maru " + version}};
}

Json added_tokens(const text::Tokenizer& tokenizer) {
  Json tokens = Json::object();
  for (const text::AddedToken& token : tokenizer.spec().added_tokens)
    tokens[std::to_string(token.id)] = {{"content", token.content},       {"special", token.special},
                                        {"normalized", token.normalized}, {"single_word", token.single_word},
                                        {"lstrip", token.lstrip},         {"rstrip", token.rstrip}};
  return tokens;
}

/// tokenizer_config.json, as far as it is known.
Json tokenizer_info(const serving::ServedModel& model) {
  const serving::ChatModel chat = model.chat();
  const text::TokenRoles& roles = chat.tokenizer->roles();
  Json info{{"tokenizer_class", "PreTrainedTokenizerFast"},
            {"vocab_size", chat.tokenizer->vocab_size()},
            {"model_max_length", model.limits().max_context},
            {"added_tokens_decoder", added_tokens(*chat.tokenizer)}};
  if (chat.chat_template != nullptr) info["chat_template"] = chat.chat_template->source();
  for (const auto& [name, token] :
       {std::pair("bos_token", roles.bos), std::pair("eos_token", roles.eos), std::pair("pad_token", roles.pad),
        std::pair("unk_token", roles.unk), std::pair("sep_token", roles.sep), std::pair("cls_token", roles.cls),
        std::pair("mask_token", roles.mask)})
    if (token) info[name] = spelling_of(*chat.tokenizer, token);
  return info;
}

}  // namespace

void add_model_probes(http::Router& router, const serving::ModelHost& models, const std::string& version) {
  const auto add = [&](const char* pattern, auto make, const char* doc) {
    router.add({.pattern = pattern,
                .handler =
                    [make](const http::Request& request, const http::Wake&) {
                      return http::Reply{http::Response{.body = http::to_line(make(request))}};
                    },
                .doc = doc});
  };
  add(
      "/props",
      [&models, version](const http::Request& request) {
        return props(*model_of(models, request), models.options().max_running, version);
      },
      "a model's template, context and defaults, in llama.cpp's words; ?model=ID: of this one");
  add(
      "/tokenizer_info", [&models](const http::Request& request) { return tokenizer_info(*model_of(models, request)); },
      "a model's tokenizer, in vLLM's words; ?model=ID: of this one");
  add(
      "/load",
      [&models](const http::Request&) {
        const infer::EngineStats stats = models.stats();
        return Json{{"server_load", stats.running + stats.waiting}};
      },
      "choices that run and wait, in vLLM's words");
}

}  // namespace maru::api::nim
