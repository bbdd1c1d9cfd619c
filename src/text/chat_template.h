// Chat messages as the text a model is trained on and asked with. One template today, ChatML; what a template makes is
// a list of segments, so that other kinds can be added behind the same two functions.
//
// Nothing a message contains can become a special token: only the template's own markup is parsed for them.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/encoder.h"

namespace maru::text {

struct ChatMessage {
  std::string role;  // system, user, assistant or tool
  std::string content;
};

/// A stretch of the rendered chat.
struct ChatSegment {
  std::string text;
  bool special = false;  // the spelling of one special token, else plain text
  bool learned = false;  // what the model is to say: counts in the loss of SFT
};

struct RenderedChat {
  std::vector<ChatSegment> segments;
  /// All segments together: what the Jinja template gives.
  std::string text() const;
};

struct EncodedChat {
  std::vector<int32_t> ids;
  std::vector<uint8_t> learned;  // per id: 1 where the loss counts (assistant contents and their <|im_end|>)
};

/// bos, then `<|im_start|>ROLE\nCONTENT<|im_end|>\n` per message; with `add_generation_prompt` an open assistant turn.
///
/// Throws   kInvalidArgument for a role that is none of system, user, assistant, tool.
RenderedChat render_chatml(std::span<const ChatMessage> messages, bool add_generation_prompt);
/// The same template for tokenizer_config.json.
std::string chatml_jinja();

/// Renders and encodes. Plain text between special tokens is encoded as one stretch, except that an assistant's
/// content starts a stretch of its own, as it does when the model answers a generation prompt.
///
/// Throws   kInvalidArgument if the tokenizer lacks a special token of the template.
EncodedChat encode_chat(Encoder& encoder, std::span<const ChatMessage> messages, bool add_generation_prompt);
EncodedChat encode_chat(const Tokenizer& tokenizer, std::span<const ChatMessage> messages, bool add_generation_prompt);

}  // namespace maru::text
