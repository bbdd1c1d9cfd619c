// Parsing of what is said of answers, apart from packing because it is a parser of outside bytes.
#include <algorithm>

#include "base/json_node.h"
#include "data/chat_message.h"
#include "data/pack.h"

namespace maru::data {
namespace {

constexpr JsonRange kMargins{.low = -1e6, .high = 1e6};

Json message_of(const char* role, const std::string& content) { return {{"role", role}, {"content", content}}; }

void check_messages(const JsonNode& messages) {
  if (messages.size() == 0) messages.fail("a list of messages");
  for (const JsonNode& message : messages.elements()) check_message(message);
}

bool is_from(const JsonNode& message, std::string_view role) { return message["role"].string() == role; }

// What is learnt: it ends with the assistant's words, and nobody but tools comes between them.
void check_turns(const JsonNode& messages, size_t first) {
  for (size_t i = first; i < messages.size(); ++i) {
    const JsonNode role = messages.at(i)["role"];
    if (role.string() == "assistant" || (i > first && role.string() == "tool")) continue;
    role.fail(i > first ? "assistant or tool in the answer to the prompt" : "assistant at the beginning of the answer");
  }
  const JsonNode last = messages.at(messages.size() - 1);
  if (!is_from(last, "assistant")) last["role"].fail("assistant at the end");
  check_answering_message(last);
}

// Two answers to one prompt.
void check_answers(const JsonNode& chosen, const JsonNode& rejected) {
  for (const JsonNode& answer : {chosen, rejected}) {
    check_messages(answer);
    check_turns(answer, 0);
  }
  if (chosen.json() == rejected.json()) rejected.refuse("is the same as chosen");
}

// Messages that both begin with; each keeps one of its own at least.
size_t common_messages(const Json& chosen, const Json& rejected) {
  size_t common = 0;
  const size_t most = std::min(chosen.size(), rejected.size()) - 1;
  while (common < most && chosen[common] == rejected[common]) ++common;
  return common;
}

Json joined(const Json& prompt, const Json& answer) {
  Json all = prompt;
  for (const Json& message : answer) all.push_back(message);
  return all;
}

// A prompt beside whole conversations says what the last question in both of them is.
void check_prompt_text(const JsonNode& prompt, const Json& chosen, size_t common) {
  if (prompt.is_null()) return;
  for (size_t i = common; i-- > 0;)
    if (chosen[i]["role"] == "user") {
      if (chosen[i].contains("content") && chosen[i]["content"] == prompt.string()) return;
      break;
    }
  prompt.refuse("differs from the last user turn that chosen and rejected share");
}

PreferenceLine read_conversations(const JsonNode& line) {
  const JsonNode prompt = line["prompt"], chosen = line["chosen"], rejected = line["rejected"];
  check_messages(chosen);
  check_messages(rejected);
  PreferenceLine read;
  if (prompt.is_array()) {
    check_messages(prompt);
    check_answers(chosen, rejected);
    read.prompt_messages = prompt.size();
    read.chosen = joined(prompt.json(), chosen.json());
    read.rejected = joined(prompt.json(), rejected.json());
    return read;
  }
  const size_t common = common_messages(chosen.json(), rejected.json());
  if (common == 0) chosen.refuse("shares no message with rejected, and there is no list \"prompt\"");
  check_prompt_text(prompt, chosen.json(), common);
  check_turns(chosen, common);
  check_turns(rejected, common);
  read.prompt_messages = common;
  read.chosen = chosen.json();
  read.rejected = rejected.json();
  return read;
}

PreferenceLine read_texts(const JsonNode& line) {
  PreferenceLine read;
  read.prompt_messages = 1;
  const Json prompt = message_of("user", line["prompt"].string());
  for (const char* side : {"chosen", "rejected"}) {
    const JsonNode answer = line[side];
    check_answer(answer);
    (side == std::string_view("chosen") ? read.chosen : read.rejected) =
        Json::array({prompt, message_of("assistant", answer.string())});
  }
  return read;
}

// {"context": [messages], "completions": [{"rank", "completion": [messages]}, …]} of NeMo-RL: of exactly two, the one
// of the lower rank is preferred.
PreferenceLine read_ranked(const JsonNode& line) {
  const JsonNode context = line["context"], completions = line["completions"];
  if (completions.size() != 2) completions.fail("two completions");
  const JsonNode first = completions.at(0), second = completions.at(1);
  const double ranks[] = {first.object()["rank"].number(), second.object()["rank"].number()};
  if (ranks[0] == ranks[1]) second["rank"].refuse("is that of the other completion: neither is preferred");
  const JsonNode chosen = (ranks[0] < ranks[1] ? first : second)["completion"];
  const JsonNode rejected = (ranks[0] < ranks[1] ? second : first)["completion"];
  check_messages(context);
  check_answers(chosen, rejected);
  return {.chosen = joined(context.json(), chosen.json()),
          .rejected = joined(context.json(), rejected.json()),
          .prompt_messages = context.size()};
}

PreferenceLine read_pair(const JsonNode& line) {
  const JsonNode chosen = line["chosen"], rejected = line["rejected"];
  PreferenceLine read = chosen.is_array() || rejected.is_array() ? read_conversations(line) : read_texts(line);
  if (chosen.json() == rejected.json()) rejected.refuse("is the same as chosen");
  if (const JsonNode margin = line["margin"]; !margin.is_null()) {
    read.form = PreferenceForm::kPairsWithMargins;
    read.value = margin.number(kMargins);
  }
  return read;
}

PreferenceLine read_labelled(const JsonNode& line) {
  const JsonNode prompt = line["prompt"], completion = line["completion"];
  for (const char* side : {"chosen", "rejected"})
    if (!line[side].is_missing()) line[side].refuse("stands beside a label: expected a pair of answers, or one answer");
  PreferenceLine read{.form = PreferenceForm::kLabelled, .prompt_messages = 1};
  if (prompt.is_array() || completion.is_array()) {
    check_messages(prompt);
    check_messages(completion);
    check_turns(completion, 0);
    read.prompt_messages = prompt.size();
    read.chosen = joined(prompt.json(), completion.json());
  } else {
    const std::string &asked = prompt.string(), &answer = completion.string();
    check_answer(completion);
    read.chosen = Json::array({message_of("user", asked), message_of("assistant", answer)});
  }
  read.value = line["label"].boolean() ? 1 : 0;
  return read;
}

PreferenceLine read_preference(const JsonNode& line) {
  const bool labelled = !line.object()["label"].is_missing() || !line["completion"].is_missing();
  const bool ranked = !line["completions"].is_missing();
  PreferenceLine read = ranked ? read_ranked(line) : labelled ? read_labelled(line) : read_pair(line);
  if (read.chosen[read.prompt_messages - 1]["role"] == "assistant")
    line[ranked     ? "completions"
         : labelled ? "completion"
                    : "chosen"]
        .refuse("goes on with the assistant's turn that the prompt ends with: expected a turn of somebody else's");
  read.tools = list_or_null(line["tools"]);
  return read;
}

}  // namespace

Result<PreferenceLine> parse_preference(std::string_view line, std::string_view where) {
  const Result<Json> json = parse_json(line, where, {.unique_keys = true});
  if (!json) return json.error();
  try {
    return read_preference(JsonNode(json.value(), std::string(where)));
  } catch (const Failure& failure) {
    return failure.error();
  }
}

}  // namespace maru::data
