// What a chat template writes of an assistant that thinks and calls tools is read back exactly: for templates built as
// those of the families, and, where MARU_TEMPLATES names directories (separated by ':'), for every *.jinja below them
// whose form is known.
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/file.h"
#include "models/answer_forms.h"
#include "serving/model_forms.h"
#include "serving/tool_messages.h"
#include "text/chat/answer/test_answer.h"
#include "text/chat/chat_template.h"

namespace maru::serving {
namespace {

using text::ParsedAnswer;

const text::SpecialTokens kTokens{{"bos_token", "<s>"}, {"eos_token", "</s>"}};

Json chat_with(const Json& assistant) {
  Json messages = Json::array({{{"role", "user"}, {"content", "날씨?"}}});
  if (!assistant.is_null()) messages.push_back(assistant);
  return messages;
}

Json tools() {
  const Json parameters =
      parse_json(
          R"({"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "deep": {"type": "object"}}})",
          "schema")
          .value();
  Json list = Json::array();
  for (const char* name : {"weather", "time"})
    list.push_back(
        {{"type", "function"}, {"function", {{"name", name}, {"description", "d"}, {"parameters", parameters}}}});
  return list;
}

Json call(const char* id, const char* name, std::string_view arguments) {
  return {{"type", "function"},
          {"id", id},
          {"function", {{"name", name}, {"arguments", parse_json(arguments, "arguments").value()}}}};
}

/// What the model says in this turn: what the template writes behind the prompt that asks for it, up to the turn's end.
std::string turn_of(const text::ChatTemplate& chat_template, const Json& assistant,
                    const text::ReasoningForm* reasoning) {
  const Json list = tools();
  const std::string asked =
      chat_template.render(chat_with(nullptr), {.tools = &list, .add_generation_prompt = true}).text();
  std::string told = chat_template.render(chat_with(assistant), {.tools = &list}).text();
  const auto common = std::mismatch(asked.begin(), asked.end(), told.begin(), told.end());
  auto begin = common.second;  // where the prompt goes on otherwise, as with "<think>", the turn begins with its line
  if (common.first != asked.end())
    while (begin != told.begin() && *(begin - 1) != '\n') --begin;
  told.erase(told.begin(), begin);
  size_t end = told.size();
  for (const std::string_view mark : {"<|im_end|>", "<|eot_id|>", "<|eom_id|>", "</s>", "<|endofturn|>"})
    if (reasoning == nullptr || reasoning->turn_part != mark) end = std::min(end, told.find(mark));
  return told.substr(0, end);
}

/// The turn read back, whole and cut at every byte.
ParsedAnswer read_back(const text::ChatTemplate& chat_template, const Json& assistant) {
  const text::AnswerForms forms = forms_of("auto", "auto", &chat_template);
  return text::parse({.forms = forms, .tools = std::make_shared<text::ToolSet>(tools())},
                     turn_of(chat_template, assistant, forms.reasoning));
}

void expect_calls(const Json& calls, const ParsedAnswer& got) {
  ASSERT_EQ(calls.size(), got.calls.size()) << got;
  for (size_t i = 0; i < calls.size(); ++i) {
    EXPECT_EQ(calls[i]["function"]["name"], got.calls[i].name);
    EXPECT_EQ(calls[i]["function"]["arguments"], parse_json(got.calls[i].arguments, "arguments").value());
    EXPECT_TRUE(got.calls[i].ended);
  }
}

const char* kHard =
    R"({"city": "서울 \"강남\"\n</tool_call> [TOOL_CALLS] <|python_tag|> {\\} é", "days": -3, "deep": {"a": [1, {"b": null}], "": true}})";

void check(const text::ChatTemplate& chat_template, const std::string& name) {
  SCOPED_TRACE(name);
  const Json one = Json::array({call("abcdefghi", "weather", kHard)});
  const Json two = Json::array({call("abcdefghi", "weather", kHard), call("ABCDEFGH1", "time", "{}")});
  int shown = 0;
  for (const Json* calls : {&one, &two}) try {
      const ParsedAnswer got =
          read_back(chat_template, {{"role", "assistant"}, {"content", ""}, {"tool_calls", *calls}});
      expect_calls(*calls, got);
      EXPECT_EQ("", got.text);
      ++shown;
    } catch (const Failure& failure) {  // some templates know one call at a time
      EXPECT_EQ(&two, calls) << failure.what();
    }
  EXPECT_GE(shown, 1);
}

TEST(TemplateCalls, OfTheFilesAtHand) {
  for (const char* file : {"chatml", "thinking_turns"})
    check(text::ChatTemplate::create(read_file("tests/reference/templates/" + std::string(file) + ".jinja", 1 << 20),
                                     kTokens, file)
              .value(),
          file);
}

// The assistant's part as each family's template writes it.
const std::string kUser =
    "{{ '<|im_start|>user\\n' ~ messages[0].content ~ '<|im_end|>\\n' }}{% set m = messages[1] %}";
const std::string kTools = "{% if tools %}{{ tools | tojson }}{% endif %}";

TEST(TemplateCalls, AsLlamaWritesThem) {
  check(text::ChatTemplate::create(kTools + "{# ipython #}" + kUser +
                                       "{{ '<|head|>assistant<|end|>\\n\\n' }}{% if m %}{% set c = m.tool_calls %}"
                                       "{% if c | length > 1 %}{{ raise_exception('one at a time') }}{% endif %}"
                                       "{{ '{\"name\": \"' ~ c[0].function.name ~ '\", \"parameters\": ' ~ "
                                       "(c[0].function.arguments | tojson) ~ '}<|eot_id|>' }}"
                                       "{% endif %}",
                                   kTokens, "llama")
            .value(),
        "llama");
}

TEST(TemplateCalls, AsMistralWritesThem) {
  const std::string head =
      kTools + "{{ '[INST]' ~ messages[0].content ~ '[/INST]' }}{% set m = messages[1] %}{% if m %}";
  check(text::ChatTemplate::create(
            head + "{{ '[TOOL_CALLS] [' }}{% for c in m.tool_calls %}"
                   "{{ (c.function | tojson)[:-1] ~ ', \"id\": \"' ~ c.id ~ '\"}' ~ ('' if loop.last else ', ') }}"
                   "{% endfor %}{{ ']' ~ eos_token }}{% endif %}",
            kTokens, "list")
            .value(),
        "list");
  check(text::ChatTemplate::create(
            head + "{% for c in m.tool_calls %}{{ '[TOOL_CALLS]' ~ c.function.name ~ '[CALL_ID]' ~ c.id ~ '[ARGS]' ~ "
                   "(c.function.arguments | tojson) }}{% endfor %}{{ eos_token }}{% endif %}",
            kTokens, "named")
            .value(),
        "named");
}

TEST(TemplateCalls, AsGraniteAndPhiWriteThem) {
  for (const char* end : {"", "<|/tool_call|>"})
    check(text::ChatTemplate::create(kTools + kUser +
                                         "{{ '<|im_start|>assistant\\n' }}{% if m %}{{ '<|tool_call|>[' }}"
                                         "{% for c in m.tool_calls %}{{ '{\"name\": \"' ~ c.function.name ~ "
                                         "'\", \"arguments\": ' ~ (c.function.arguments | tojson) ~ '}' ~ "
                                         "('' if loop.last else ', ') }}{% endfor %}{{ ']" +
                                         std::string(end) + "<|im_end|>' }}{% endif %}",
                                     kTokens, "list")
              .value(),
          std::string("list") + end);
}

TEST(TemplateCalls, AsQwensCoderWritesThem) {
  check(
      text::ChatTemplate::create(
          kTools + kUser +
              "{{ '<|im_start|>assistant\\n' }}{% if m %}{% for c in m.tool_calls %}"
              "{{ '\\n<tool_call>\\n<function=' ~ c.function.name ~ '>\\n' }}{% for k, v in "
              "c.function.arguments.items() %}"
              "{{ '<parameter=' ~ k ~ '>\\n' ~ (v if v is string else v | tojson) ~ '\\n</parameter>\\n' }}{% endfor %}"
              "{{ '</function>\\n</tool_call>' }}{% endfor %}{{ '<|im_end|>\\n' }}{% endif %}",
          kTokens, "tags")
          .value(),
      "tags");
}

const std::string kTurns =
    "{# force_reasoning #}" + kTools + kUser +
    "{{ '<|im_start|>assistant' }}{% if m %}"
    "{% if m.reasoning_content %}{{ '/think\\n' ~ m.reasoning_content ~ '<|im_end|>\\n<|im_start|>assistant' }}{% "
    "endif %}"
    "{% if m.tool_calls %}{{ ' -> tool/function_call\\n[' }}{% for c in m.tool_calls %}{{ c.function | tojson }}"
    "{{ '' if loop.last else ', ' }}{% endfor %}{{ ']' }}{% else %}{{ '\\n' ~ m.content }}{% endif %}"
    "{{ '<|im_end|><|endofturn|>' }}{% endif %}";

TEST(TemplateCalls, AsHyperClovaXWritesThem) {
  const auto turns = text::ChatTemplate::create(kTurns, kTokens, "turns").value();
  check(turns, "turns");
  const Json calls = Json::array({call("a", "weather", kHard)});
  const ParsedAnswer thought = read_back(
      turns, {{"role", "assistant"}, {"reasoning_content", "음\n음"}, {"content", ""}, {"tool_calls", calls}});
  EXPECT_EQ("음\n음", thought.reasoning);
  expect_calls(calls, thought);
  const ParsedAnswer said = read_back(turns, {{"role", "assistant"}, {"reasoning_content", "음"}, {"content", "네"}});
  EXPECT_EQ((ParsedAnswer{.text = "네", .reasoning = "음", .order = "rt"}), said);
}

TEST(TemplateCalls, WithReasoningAndText) {
  const auto thinking = text::ChatTemplate::create(read_file("tests/reference/templates/thinking_turns.jinja", 1 << 20),
                                                   kTokens, "thinking")
                            .value();
  const Json calls = Json::array({call("a", "weather", kHard), call("b", "time", "{}")});
  const ParsedAnswer got = read_back(
      thinking, {{"role", "assistant"}, {"reasoning_content", "음"}, {"content", "볼게요."}, {"tool_calls", calls}});
  EXPECT_EQ("음", got.reasoning);
  EXPECT_EQ("볼게요.", got.text);
  EXPECT_EQ("rtcc", got.order);
  expect_calls(calls, got);
}

TEST(TemplateCalls, OfTheTemplatesNamed) {
  const char* places = std::getenv("MARU_TEMPLATES");
  if (places == nullptr) GTEST_SKIP() << "MARU_TEMPLATES names no directories";
  std::istringstream list(places);
  for (std::string place; std::getline(list, place, ':');)
    for (const fs::path& path : list_files(place)) {
      if (path.extension() != ".jinja") continue;
      const auto chat_template =
          text::ChatTemplate::create(read_file(path, 1 << 20), kTokens, path.filename().string()).value();
      const text::AnswerForms forms = forms_of("auto", "auto", &chat_template);
      std::printf("%s: calls %s, reasoning %s\n", path.filename().c_str(),
                  forms.calls == nullptr ? "-" : forms.calls->name.data(),
                  forms.reasoning == nullptr ? "-" : forms.reasoning->name.data());
      if (forms.calls != nullptr) check(chat_template, path.filename().string());
    }
}

}  // namespace
}  // namespace maru::serving
