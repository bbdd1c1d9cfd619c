// What several families write in their answers.
#include "models/families/common.h"

namespace maru::families {
namespace {

constexpr std::string_view kCallSigns[] = {"<tool_call>"}, kCallBegins[] = {"<tool_call>"},
                           kCallEnds[] = {"</tool_call>"};
constexpr std::string_view kThinkSigns[] = {"</think>"};

}  // namespace

// Qwen 2.5 and 3, EXAONE 4, A.X 4, and Maru's own ChatML. Source: the templates of these models.
extern constinit const text::CallForm kHermesCalls{.name = "hermes",
                                                   .signs = kCallSigns,
                                                   .begins = kCallBegins,
                                                   .ends = kCallEnds,
                                                   .open = "<tool_call>\n{\"name\": \"",
                                                   .middle = "\", \"arguments\": ",
                                                   .close = "}\n</tool_call>"};

// Qwen 3, EXAONE 4, DeepSeek R1 and what was distilled from it. Source: the templates of these models.
extern constinit const text::ReasoningForm kThinkTags{.name = "think_tags",
                                                      .signs = kThinkSigns,
                                                      .begin = "<think>",
                                                      .end = "</think>",
                                                      .with = R"({"enable_thinking": true})",
                                                      .without = R"({"enable_thinking": false})"};

}  // namespace maru::families
