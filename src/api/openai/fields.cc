#include "api/openai/fields.h"

#include <initializer_list>

#include "api/openai/types.h"

namespace maru::api::openai {
namespace {

using http::PassedField;

/// What vLLM takes at both endpoints, and NIM with it.
std::vector<PassedField> passed_by_both() {
  std::vector<PassedField> fields = harmless_fields();
  const std::initializer_list<PassedField> more{
      {"ec_transfer_params", "", "vLLM: between servers that share the work of one answer"},
      {"kv_transfer_params", "", "vLLM: between servers that share the work of one answer"},
      {"length_penalty", "1|1.0", "vLLM: of beam search"},
      {"logprob_token_ids", "", "vLLM: log-probabilities of chosen tokens"},
      {"repetition_detection", "", "vLLM: ends an answer that repeats itself"},
      {"request_id", "*", "vLLM: the client's name for the request"},
      {"return_mm_kwargs", "*", "vLLM: of images and audio"},
      {"return_token_offsets", "false", "vLLM: where tokens lie in the prompt"},
      {"routed_experts_prompt_start", "0", "vLLM: of the choice of experts"},
      {"session_id", "*", "vLLM: the client's name for requests that belong together"},
      {"spaces_between_special_tokens", "true", "vLLM: how special tokens are written"},
      {"stream_interval", "*", "vLLM: how much is sent at once"},
      {"thinking_token_budget", "-1", "vLLM: how long the model may reason; max_tokens bounds all of an answer"},
      {"use_beam_search", "false", "vLLM: the likeliest answers of many"},
      {"vllm_xargs", "{}", "vLLM: of its extensions"},
      {"watermarking", "false", "vLLM: marks an answer as a machine's"},
  };
  fields.insert(fields.end(), more);
  return fields;
}

http::BodyFields of_chat() {
  std::vector<PassedField> fields = passed_by_both();
  const std::initializer_list<PassedField> more{
      {"add_special_tokens", "false", "vLLM: besides those of the chat template"},
      {"audio", "", "OpenAI: how an answer is to sound"},
      {"best_of", "1", "of completions"},
      {"chat_template", "", "vLLM: the model's own is used; its variables are chat_template_kwargs"},
      {"function_call", "\"none\"|\"auto\"", "OpenAI: replaced by tool_choice"},
      {"functions", "[]", "OpenAI: replaced by tools"},
      {"media_io_kwargs", "{}", "vLLM: of images and audio"},
      {"mm_processor_kwargs", "{}", "vLLM: of images and audio"},
      {"modalities", "[\"text\"]", "OpenAI: answers are text"},
      {"moderation", "", "OpenAI: a judgement of prompt and answer"},
      {"prediction", "*", "OpenAI: what the answer may be, to compute it faster"},
      {"store", "false", "OpenAI: keeps the answer to be asked for again; /v1/responses does"},
      {"verbosity", "\"medium\"", "OpenAI: how long an answer is to be"},
      {"web_search_options", "", "OpenAI: this server does not search the web"},
  };
  fields.insert(fields.end(), more);
  return http::body_fields<ChatRequest>("chat", std::move(fields));
}

http::BodyFields of_completions() {
  std::vector<PassedField> fields = passed_by_both();
  const std::initializer_list<PassedField> more{
      {"prompt_embeds", "", "vLLM: vectors in place of tokens"},
      {"store", "false", "of chats"},
      {"suffix", "\"\"", "OpenAI: what comes behind the text that is written"},
  };
  fields.insert(fields.end(), more);
  return http::body_fields<CompletionRequest>("completions", std::move(fields));
}

}  // namespace

std::vector<PassedField> harmless_fields() {
  return {
      {"metadata", "*", "OpenAI: the client's notes"},
      {"prompt_cache_key", "*", "OpenAI: which prompts begin alike; found here without"},
      {"prompt_cache_options", "*", "OpenAI: how long the beginning of a prompt is kept"},
      {"prompt_cache_retention", "*", "OpenAI: the same"},
      {"safety_identifier", "*", "OpenAI: who the client asks for"},
      {"service_tier", "*", "OpenAI: how a request is billed"},
      {"user", "*", "OpenAI: who the client asks for"},
  };
}

const http::BodyFields& chat_fields() {
  static const http::BodyFields kFields = of_chat();
  return kFields;
}

const http::BodyFields& completion_fields() {
  static const http::BodyFields kFields = of_completions();
  return kFields;
}

}  // namespace maru::api::openai
