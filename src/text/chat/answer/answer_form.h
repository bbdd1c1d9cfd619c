// How models write what is more than text: their reasoning, and calls of tools. Values of these two structs are all
// that a parser needs; each stands in the file of a family that writes so (src/models/families/).
#pragma once
#include <span>
#include <string_view>
#include <vector>

namespace maru::text {

/// What stands between the marks of a call.
enum class CallSyntax : uint8_t {
  kObjects,  // {"name": …, "arguments": {…}}, one or several, in a list or not
  kNamed,    // NAME[ARGS]{…}, or objects
  kTags,     // <function=NAME><parameter=KEY>VALUE</parameter></function>
};

/// Of kNamed: behind the name, and behind an id that the model may give.
inline constexpr std::string_view kArgumentsMark = "[ARGS]", kCallIdMark = "[CALL_ID]";

/// A way to write calls.
struct CallForm {
  std::string_view name;                    // as the option of `serve` calls it
  std::span<const std::string_view> signs;  // all of them stand in a chat template that teaches it
  CallSyntax syntax = CallSyntax::kObjects;
  std::span<const std::string_view> begins;     // any of these begins a call, or a list of them
  std::span<const std::string_view> ends = {};  // any of these ends it; none: the call itself does
  bool bare = false;                            // an answer may begin with a call's object, without a mark
  // A single call as it can be asked for: before the name, between it and the arguments, behind them; empty: values are
  // not JSON, and cannot be held to a schema.
  std::string_view open = "", middle = "", close = "";
  size_t id_characters = 0;  // of letters and digits in the id of a call, where templates insist; 0: any id
};

/// A way to write reasoning: first thing in an answer, or begun by the prompt.
struct ReasoningForm {
  std::string_view name;
  std::span<const std::string_view> signs;
  std::string_view begin, end;
  std::string_view turn_part = "";  // a token that ends turns elsewhere, and here a part of one: no end, and not shown
  // Variables of the chat template, as JSON, that ask for it and do without.
  std::string_view with = "{}", without = "{}";
};

/// Those of one model; null: it has none that is known.
struct AnswerForms {
  const CallForm* calls = nullptr;
  const ReasoningForm* reasoning = nullptr;
  /// All marks, for whoever has to show the parser tokens that are otherwise skipped.
  std::vector<std::string_view> marks() const;
};

/// Whether a prompt that ends in `text` leaves the model in the middle of its reasoning. `continued`: what the prompt
/// ends in is the beginning of the answer itself.
bool opens_reasoning(const ReasoningForm& form, std::string_view text, bool continued);

}  // namespace maru::text
