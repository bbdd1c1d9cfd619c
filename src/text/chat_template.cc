#include "text/chat_template.h"

#include <algorithm>
#include <array>

namespace maru::text {
namespace {

constexpr std::string_view kBos = "<|begin_of_text|>", kStart = "<|im_start|>", kEnd = "<|im_end|>";
constexpr std::array<std::string_view, 4> kRoles{"system", "user", "assistant", "tool"};

void require_role(const std::string& role, size_t index) {
  if (std::find(kRoles.begin(), kRoles.end(), role) == kRoles.end())
    throw Failure(
        ErrorCode::kInvalidArgument,
        "messages[" + std::to_string(index) + "].role: expected system, user, assistant or tool, got \"" + role + "\"");
}

int32_t special_id(const Tokenizer& tokenizer, std::string_view token) {
  const auto id = tokenizer.id_of(token);
  if (!id || !tokenizer.is_special(*id))
    throw Failure(ErrorCode::kInvalidArgument,
                  "the tokenizer has no special token " + std::string(token) + ", which the chat template needs");
  return *id;
}

}  // namespace

std::string RenderedChat::text() const {
  std::string all;
  for (const ChatSegment& segment : segments) all += segment.text;
  return all;
}

RenderedChat render_chatml(std::span<const ChatMessage> messages, bool add_generation_prompt) {
  RenderedChat chat;
  const auto special = [&](std::string_view token, bool learned) {
    chat.segments.push_back({std::string(token), true, learned});
  };
  const auto plain = [&](std::string text, bool learned) {
    chat.segments.push_back({std::move(text), false, learned});
  };
  special(kBos, false);
  for (size_t i = 0; i < messages.size(); ++i) {
    const auto& [role, content] = messages[i];
    require_role(role, i);
    const bool learned = role == "assistant";
    special(kStart, false);
    if (learned) {
      plain(role + "\n", false);
      plain(content, true);
    } else {
      plain(role + "\n" + content, false);
    }
    special(kEnd, learned);
    plain("\n", false);
  }
  if (add_generation_prompt) {
    special(kStart, false);
    plain("assistant\n", false);
  }
  return chat;
}

std::string chatml_jinja() {
  return "{{ bos_token }}{% for message in messages %}"
         "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
         "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
}

EncodedChat encode_chat(Encoder& encoder, std::span<const ChatMessage> messages, bool add_generation_prompt) {
  EncodedChat encoded;
  for (const ChatSegment& segment : render_chatml(messages, add_generation_prompt).segments) {
    if (segment.special)
      encoded.ids.push_back(special_id(encoder.tokenizer(), segment.text));
    else
      encoder.encode(segment.text, {.add_special_tokens = false, .parse_special = false}, encoded.ids);
    encoded.learned.resize(encoded.ids.size(), segment.learned ? 1 : 0);
  }
  return encoded;
}

EncodedChat encode_chat(const Tokenizer& tokenizer, std::span<const ChatMessage> messages, bool add_generation_prompt) {
  Encoder encoder(tokenizer, 0);
  return encode_chat(encoder, messages, add_generation_prompt);
}

}  // namespace maru::text
