// Bodies of requests: JSON that is written again is read as the same, and the parsers of every dialect end in a request
// or in an error of the API that repeats little of what came.
#include "api/anthropic/request.h"
#include "api/ollama/request.h"
#include "api/openai/request.h"
#include "api/openai/responses/request.h"
#include "base/json.h"
#include "http/problem.h"

namespace maru::api::openai {
namespace {

constexpr size_t kMaxMessage = 4096;

void require(bool holds) {
  if (!holds) __builtin_trap();
}

void read_again(const Json& json) {
  const std::string text = json.dump();
  const Result<Json> again = parse_json(text, "again", kRequestJson);
  require(again.ok() && again.value().dump() == text);
}

template <class F>
void parse(F&& parser, std::string_view body) {
  try {
    (void)parser(body);
  } catch (const RequestFailure& failure) {
    require(std::string_view(failure.what()).size() <= kMaxMessage);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const Result<Json> json = parse_json(body, "body", kRequestJson);
  if (json.ok())
    read_again(json.value());
  else
    require(json.error().message.size() <= kMaxMessage);
  parse([](auto text) { return parse_chat_request(text); }, body);
  parse([](auto text) { return parse_completion_request(text, true); }, body);
  parse([](auto text) { return parse_responses_request(text); }, body);
  parse([](auto text) { return anthropic::parse_messages_request(text); }, body);
  parse([](auto text) { return anthropic::parse_prompt_request(text, true); }, body);
  parse([](auto text) { return ollama::parse_chat_request(text); }, body);
  parse([](auto text) { return ollama::parse_generate_request(text); }, body);
  return 0;
}

}  // namespace maru::api::openai
