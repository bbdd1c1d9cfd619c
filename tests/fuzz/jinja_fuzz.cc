// Chat templates by strangers, and messages by strangers: whatever the source, rendering ends, within its limits, in a
// text or a Failure, and marks stay inside the text. An input is a template; behind a byte 0, a JSON value that becomes
// the messages.
#include <cstdlib>
#include <optional>

#include "base/json.h"
#include "text/chat/jinja/template.h"

namespace {

using maru::Json;
namespace jinja = maru::text::jinja;

constexpr jinja::Limits kLimits{.steps = 200'000, .memory_bytes = 8 << 20, .output_bytes = 1 << 20};
constexpr jinja::Limits kNarrow{.steps = 500, .memory_bytes = 4 << 10, .output_bytes = 100};

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

/// The text, if the render did not fail.
std::optional<std::string> render(const jinja::Template& source, const Json& messages, const jinja::Limits& limits) {
  const Json tools = Json::array({{{"name", "t"}, {"parameters", {{"x", 1}}}}}), yes = true, bos = "<s>";
  const jinja::Variable variables[] = {
      {"messages", &messages}, {"tools", &tools}, {"add_generation_prompt", &yes}, {"bos_token", &bos, true}};
  try {
    const jinja::MarkedText text = source.render(variables, {.limits = limits});
    require(text.size() <= static_cast<size_t>(limits.output_bytes));
    check_ranges(text.input, text.size());
    check_ranges(text.generated, text.size());
    return text.bytes;
  } catch (const maru::Failure&) {  // refused with a message: what it should do
    return std::nullopt;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(input.find('\0'), size);
  const auto parsed = jinja::Template::parse(input.substr(0, end), "fuzz");
  if (!parsed) return 0;
  const auto hostile = maru::parse_json(input.substr(std::min(end + 1, size)), "fuzz");
  const Json& said = hostile ? hostile.value() : messages();
  const auto text = render(parsed.value(), said, kLimits);
  const auto narrow = render(parsed.value(), said, kNarrow);
  if (text && narrow) require(*text == *narrow);  // limits end a render, they never change one
  return 0;
}
