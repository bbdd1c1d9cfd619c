// For tests: an answer read whole, byte by byte and cut in two at every byte, which must all be the same.
#pragma once
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/json.h"
#include "text/chat/answer/answer_parser.h"

namespace maru::text {

struct ParsedCall {
  std::string name, arguments;
  bool ended = false;
  bool operator==(const ParsedCall&) const = default;
};

inline std::ostream& operator<<(std::ostream& to, const ParsedCall& call) {
  return to << call.name << "(" << call.arguments << ")" << (call.ended ? "" : " not ended");
}

struct ParsedAnswer {
  std::string text, reasoning;
  std::vector<ParsedCall> calls;
  std::string order;  // of what came: t, r, c
  bool operator==(const ParsedAnswer&) const = default;
};

inline std::ostream& operator<<(std::ostream& to, const ParsedAnswer& answer) {
  to << "text \"" << answer.text << "\" reasoning \"" << answer.reasoning << "\" order " << answer.order;
  for (const ParsedCall& call : answer.calls) to << "\n  " << call;
  return to;
}

inline ParsedAnswer parse_pieces(const AnswerReading& reading, const std::vector<std::string>& pieces) {
  int ids = 0;
  AnswerParser parser(reading, [&] { return "id" + std::to_string(ids++); });
  ParsedAnswer answer;
  const auto come = [&](char what) {
    if (!answer.order.ends_with(what) || what == 'c') answer.order += what;
  };
  const auto take = [&](const std::vector<AnswerEvent>& events) {
    for (const AnswerEvent& event : events) switch (event.kind) {
        case AnswerEvent::Kind::kText: answer.text += event.text, come('t'); break;
        case AnswerEvent::Kind::kReasoning: answer.reasoning += event.text, come('r'); break;
        case AnswerEvent::Kind::kCallBegin:
          EXPECT_EQ(answer.calls.size(), event.call);
          EXPECT_EQ("id" + std::to_string(event.call), event.id);
          answer.calls.push_back({.name = event.text, .arguments = ""}), come('c');
          break;
        case AnswerEvent::Kind::kArguments: answer.calls.at(event.call).arguments += event.text; break;
        case AnswerEvent::Kind::kCallEnd: answer.calls.at(event.call).ended = true; break;
      }
  };
  for (const std::string& piece : pieces) {
    std::vector<AnswerEvent> events;
    parser.push(piece, events);
    take(events);
  }
  std::vector<AnswerEvent> events;
  parser.finish(events);
  take(events);
  EXPECT_EQ(answer.calls.size(), parser.num_calls());
  return answer;
}

/// The answer, the same however it is cut.
inline ParsedAnswer parse(const AnswerReading& reading, const std::string& text) {
  const ParsedAnswer whole = parse_pieces(reading, {text});
  std::vector<std::string> bytes;
  for (const char c : text) bytes.emplace_back(1, c);
  EXPECT_EQ(whole, parse_pieces(reading, bytes)) << "byte by byte: " << text;
  for (size_t cut = 1; cut < text.size(); ++cut)
    EXPECT_EQ(whole, parse_pieces(reading, {text.substr(0, cut), text.substr(cut)}))
        << "cut at " << cut << ": " << text;
  return whole;
}

/// Tools of these names with {"city": string, "days": integer, "note": string or null}.
inline std::shared_ptr<const ToolSet> tools_named(const std::vector<std::string>& names) {
  const Json parameters{{"type", "object"},
                        {"properties",
                         {{"city", {{"type", "string"}}},
                          {"days", {{"type", "integer"}}},
                          {"note", {{"type", Json::array({"string", "null"})}}}}}};
  Json tools = Json::array();
  for (const std::string& name : names)
    tools.push_back({{"type", "function"}, {"function", {{"name", name}, {"parameters", parameters}}}});
  return std::make_shared<ToolSet>(tools);
}

}  // namespace maru::text
