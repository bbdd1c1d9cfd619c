#include "api/openai/responses/response.h"

#include <utility>

#include "api/openai/error.h"
#include "base/excerpt.h"
#include "base/request_failure.h"
#include "base/unix_time.h"
#include "http/json_body.h"

namespace maru::api::openai {
namespace {

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json or_else(const Json& value, Json otherwise) { return value.is_null() ? std::move(otherwise) : value; }

/// Tools with the fields that clients look for.
Json tools_of(const Json& tools) {
  Json list = or_else(tools, Json::array());
  for (Json& tool : list)
    for (const char* name : {"parameters", "strict"})
      if (!tool.contains(name)) tool[name] = nullptr;
  return list;
}

Json text_of(const Json& text) {
  Json shown = or_else(text, Json::object());
  if (!shown.contains("format") || shown["format"].is_null()) shown["format"] = {{"type", "text"}};
  return shown;
}

Json reasoning_of(const Json& reasoning) {
  Json shown{{"effort", nullptr}, {"summary", nullptr}};
  if (reasoning.is_object()) shown.update(reasoning);
  return shown;
}

}  // namespace

void ResponseBuilder::finish(const serving::Answer& answer, const Output::Send& send) {
  const bool complete = output_.finish_reason() == infer::FinishReason::kStop;
  output_.finish(complete, send);
  status_ = complete ? "completed" : "incomplete";
  receipt_ = answer.receipt();
  const int64_t prompt = answer.prompt_tokens(), output = output_.num_tokens();
  usage_ = {{"input_tokens", prompt},
            {"input_tokens_details", {{"cached_tokens", answer.reused_tokens()}, {"cache_write_tokens", 0}}},
            {"output_tokens", output},
            {"output_tokens_details", {{"reasoning_tokens", output_.reasoning_tokens()}}},
            {"total_tokens", prompt + output}};
}

void ResponseBuilder::fail(const Error& error) {
  status_ = "failed";
  const bool is_ours = error.code != ErrorCode::kInvalidArgument;
  error_ = {{"code", is_ours ? "server_error" : "invalid_prompt"},
            {"message", excerpt(error.message, kMaxMessageBytes)}};
}

Json ResponseBuilder::json() const {
  const ResponsesRequest& request = head_.request;
  const bool incomplete = status_ == "incomplete";
  Json body{{"id", head_.id},
            {"object", "response"},
            {"created_at", head_.created_at},
            {"status", status_},
            {"background", request.background},
            {"completed_at", status_ == "completed" ? Json(unix_seconds()) : Json(nullptr)},
            {"error", error_},
            {"incomplete_details", incomplete ? Json{{"reason", "max_output_tokens"}} : Json(nullptr)},
            {"instructions", or_null(request.instructions)},
            {"max_output_tokens", or_null(request.max_output_tokens)},
            {"metadata", request.metadata},
            {"model", head_.model},
            {"output", output_.items()},
            {"parallel_tool_calls", request.parallel_tool_calls},
            {"previous_response_id", or_null(request.previous_response_id)},
            {"reasoning", reasoning_of(request.reasoning)},
            {"store", request.store},
            {"temperature", request.temperature},
            {"text", text_of(request.text)},
            {"tool_choice", or_else(request.tool_choice, "auto")},
            {"tools", tools_of(request.tools)},
            {"top_logprobs", request.top_logprobs},
            {"top_p", request.top_p},
            {"truncation", request.truncation},
            {"usage", usage_}};
  if (!receipt_.is_null()) body["receipt"] = receipt_;
  if (!request.warnings.empty()) body["warnings"] = request.warnings;
  return body;
}

StoredResponse ResponseBuilder::stored() const {
  Json context = head_.context;
  for (const Json* items : {&head_.input, &output_.items()})
    for (const Json& item : *items) context.push_back(item);
  return {.id = head_.id,
          .tenant = head_.tenant,
          .model = head_.model,
          .status = status_,
          .body = http::to_line(json()),
          .input = http::to_line(head_.input),
          .context = http::to_line(context),
          .events = head_.events};
}

}  // namespace maru::api::openai
