// Bodies of requests of every dialect, the first byte says which and how the model writes: as far as the engine would
// get them. Prompts fit, forms compile, and whatever is refused is refused briefly.
#include "api/anthropic/request.h"
#include "api/ollama/request.h"
#include "api/openai/request.h"
#include "api/openai/responses/items.h"
#include "api/openai/responses/request.h"
#include "infer/fake_model.h"
#include "models/answer_forms.h"

namespace maru::api {
namespace {

constexpr serving::RequestLimits kLimits{.max_context = 4096, .vocab_size = 261, .timeout_seconds = 9};

void require(bool holds) {
  if (!holds) __builtin_trap();
}

const text::Tokenizer& tokenizer() {
  static const text::Tokenizer kTokenizer = infer::byte_tokenizer();
  return kTokenizer;
}

serving::ChatModel model(uint8_t kind) {
  static const text::ChatTemplate kTemplate = text::ChatTemplate::chatml(tokenizer());
  static constexpr const char* kCalls[] = {"hermes", "llama3_json", "mistral", "hyperclovax", "qwen3_coder"};
  serving::ChatModel model{.id = "m", .tokenizer = &tokenizer(), .chat_template = &kTemplate, .forms = {}};
  if (const size_t form = kind / 8 % 6; form < 5) model.forms.calls = find_call_form(kCalls[form], "tool_parser");
  if (kind >= 0x80) model.forms.reasoning = find_reasoning_form("think_tags", "reasoning_parser");
  return model;
}

void check(const infer::GenerationRequest& request) {
  require(!request.prompt.empty() && request.max_tokens > 0);
  require(static_cast<int64_t>(request.prompt.size()) + request.max_tokens <= kLimits.max_context);
  for (const int32_t id : request.prompt) require(id >= 0 && id < kLimits.vocab_size);
}

openai::PreparedRequest prepare_response(std::string_view body, const serving::ChatModel& model) {
  const openai::ResponsesRequest request = openai::parse_responses_request(body);
  int ids = 0;
  const Json items = openai::read_items(
      request.input, [&](std::string_view prefix) { return std::string(prefix) + std::to_string(ids++); });
  return openai::prepare(request, items, model, kLimits);
}

void prepare(std::string_view body, uint8_t kind) {
  const serving::ChatModel asked = model(kind);
  switch (kind % 6) {
    case 0:
      for (const auto& p : openai::prepare(openai::parse_chat_request(body), asked, kLimits).prompts) check(p);
      return;
    case 1:
      for (const auto& p : openai::prepare(openai::parse_completion_request(body), tokenizer(), kLimits).prompts)
        check(p);
      return;
    case 2:
      for (const auto& p : prepare_response(body, asked).prompts) check(p);
      return;
    case 3: return check(anthropic::prepare(anthropic::parse_messages_request(body), asked, kLimits).generation);
    case 4: return check(ollama::prepare(ollama::parse_chat_request(body), asked, kLimits).generation);
    default: return check(ollama::prepare(ollama::parse_generate_request(body), asked, kLimits).generation);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kMaxMessage = 4096;
  if (size == 0) return 0;
  try {
    prepare({reinterpret_cast<const char*>(data) + 1, size - 1}, data[0]);
  } catch (const Failure& failure) {
    require(std::string_view(failure.what()).size() <= kMaxMessage);
    require(failure.code() != ErrorCode::kInternal);
  }
  return 0;
}

}  // namespace maru::api
