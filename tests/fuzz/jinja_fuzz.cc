// Chat templates by strangers: whatever the source, rendering ends, within its limits, in a text or a Failure, and
// marks stay inside the text.
#include <cstdlib>

#include "base/json.h"
#include "text/jinja/template.h"

namespace {

using maru::Json;
namespace jinja = maru::text::jinja;

constexpr jinja::Limits kLimits{.steps = 200'000, .memory_bytes = 8 << 20, .output_bytes = 1 << 20};

void require(bool good) {
  if (!good) std::abort();
}

void check_ranges(const jinja::Ranges& ranges, size_t size) {
  size_t last = 0;
  for (const auto& [begin, end] : ranges.list()) {
    require(begin >= last && begin < end && end <= size);
    last = end;
  }
}

const Json& messages() {
  static const Json kMessages = Json::parse(R"([
      {"role": "system", "content": "be <|brief|> \u00e9"},
      {"role": "user", "content": "  안녕 'x' \"y\" \n{{ z }} %s {}  ", "n": [1, -2.5, 1e300, null, true]},
      {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {"a": {"b": []}}}}]}])");
  return kMessages;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view source(reinterpret_cast<const char*>(data), size);
  const auto parsed = jinja::Template::parse(source, "fuzz");
  if (!parsed) return 0;
  const Json tools = Json::array({{{"name", "t"}, {"parameters", {{"x", 1}}}}}), yes = true, bos = "<s>";
  const jinja::Variable variables[] = {
      {"messages", &messages()}, {"tools", &tools}, {"add_generation_prompt", &yes}, {"bos_token", &bos, true}};
  try {
    const jinja::MarkedText text = parsed.value().render(variables, {.limits = kLimits});
    require(text.size() <= static_cast<size_t>(kLimits.output_bytes));
    check_ranges(text.input, text.size());
    check_ranges(text.generated, text.size());
  } catch (const maru::Failure&) {
  }
  return 0;
}
