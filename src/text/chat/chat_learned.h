// Which part of a rendered chat one assistant message is. Internal to chat_template.cc.
#pragma once
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "text/chat/jinja/marked_text.h"

namespace maru::text {

/// The range of `whole` that the model is to say as one message.
///
/// `asked`   the chat up to this message with a generation prompt; null if the template refuses that
/// `told`    the chat up to and with this message, the message's own bytes marked as generated
/// `whole`   the whole chat, the message's own bytes marked as generated
///
/// What the template writes between the prompt and the message's own bytes, and behind them up to the white space at
/// the end, belongs to it: markup of tool calls, the end of the turn.
std::optional<std::pair<size_t, size_t>> learned_range(const jinja::MarkedText* asked, const jinja::MarkedText& told,
                                                       const jinja::MarkedText& whole);

}  // namespace maru::text
