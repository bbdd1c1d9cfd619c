// Answers with calls of tools and reasoning, in the form of every family. Two bytes choose forms and what the request
// said; wherever the answer is cut, the same events come out, and what is neither call nor reasoning loses nothing but
// white space.
#include <set>
#include <string>

#include "base/json.h"
#include "models/registry.h"
#include "text/chat/answer/answer_parser.h"

namespace maru::text {
namespace {

void require(bool holds) {
  if (!holds) __builtin_trap();
}

struct Forms {
  std::vector<const CallForm*> calls{nullptr};
  std::vector<const ReasoningForm*> reasoning{nullptr};
};

const Forms& forms() {
  static const Forms kForms = [] {
    Forms found;
    std::set<std::string> seen;
    for (const Family* family : all_families()) {
      if (family->calls != nullptr && seen.insert(std::string(family->calls->name)).second)
        found.calls.push_back(family->calls);
      const std::string_view name = family->reasoning != nullptr ? family->reasoning->name : "";
      if (!name.empty() && seen.insert(std::string(name) + " reasoning").second)
        found.reasoning.push_back(family->reasoning);
    }
    return found;
  }();
  return kForms;
}

const std::shared_ptr<const ToolSet>& tools() {
  static const auto kTools = std::make_shared<const ToolSet>(Json::parse(R"([{"type": "function", "function": {
    "name": "f", "parameters": {"type": "object", "properties": {"s": {"type": "string"}, "i": {"type": "integer"},
    "n": {"type": ["string", "null"]}}}}}, {"type": "function", "function": {"name": "g_2"}}])"));
  return kTools;
}

struct Parsed {
  std::string events, text;  // events: everything, one after the other
  size_t calls = 0;
  bool reasoned = false;
  bool operator==(const Parsed&) const = default;
};

void take(const std::vector<AnswerEvent>& events, Parsed& to, AnswerEvent::Kind& last) {
  for (const AnswerEvent& event : events) {
    const bool begins = event.kind != last || event.kind == AnswerEvent::Kind::kCallBegin;
    if (begins) to.events += '\0' + std::to_string(static_cast<int>(event.kind)) + '\0';
    to.events += event.text;
    last = event.kind;
    to.reasoned |= event.kind == AnswerEvent::Kind::kReasoning;
    if (event.kind == AnswerEvent::Kind::kText) to.text += event.text;
    if (event.kind == AnswerEvent::Kind::kCallBegin) require(event.call == to.calls++ && !event.text.empty());
    if (event.kind == AnswerEvent::Kind::kArguments) require(event.call + 1 == to.calls);
  }
}

Parsed parse(const AnswerReading& reading, std::string_view answer, size_t first, size_t step) {
  int ids = 0;
  AnswerParser parser(reading, [&] { return std::to_string(ids++); });
  Parsed parsed;
  auto last = AnswerEvent::Kind::kCallEnd;
  for (size_t begin = 0, size = first; begin < answer.size(); begin += size, size = step) {
    std::vector<AnswerEvent> events;
    parser.push(answer.substr(begin, size), events);
    take(events, parsed, last);
  }
  std::vector<AnswerEvent> events;
  parser.finish(events);
  take(events, parsed, last);
  require(parsed.calls == parser.num_calls());
  return parsed;
}

std::string without_blanks(std::string_view text) {
  std::string kept;
  for (const char c : text)
    if (std::string_view(" \t\r\n").find(c) == std::string_view::npos) kept += c;
  return kept;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kCutEverywhere = 200;
  if (size < 2) return 0;
  const std::string_view answer(reinterpret_cast<const char*>(data) + 2, size - 2);
  const AnswerReading reading{.forms = {.calls = forms().calls[data[0] % forms().calls.size()],
                                        .reasoning = forms().reasoning[data[1] % forms().reasoning.size()]},
                              .in_reasoning = data[1] >= 0x80 && data[1] % forms().reasoning.size() != 0,
                              .one_call = data[0] >= 0x80,
                              .tools = tools()};
  const Parsed whole = parse(reading, answer, answer.size() + 1, 1);
  require(whole == parse(reading, answer, 1, 1));
  if (answer.size() <= kCutEverywhere)
    for (size_t cut = 1; cut < answer.size(); ++cut) require(whole == parse(reading, answer, cut, answer.size()));
  if (whole.calls == 0 && reading.forms.reasoning == nullptr)
    require(without_blanks(whole.text) == without_blanks(answer));
  return 0;
}

}  // namespace maru::text
