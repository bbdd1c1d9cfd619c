// Chat messages as the text a model is trained on and asked with: the model's own Jinja template, or ChatML.
//
// Nothing a message contains can become a special token: the template marks every byte as its own or as input, and only
// its own text is searched for them. The text itself is what `transformers.apply_chat_template` gives.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json_fwd.h"
#include "text/chat/jinja/template.h"
#include "text/tokenizer/token_encoder.h"

namespace maru::text {

/// A stretch of the rendered chat.
struct ChatSegment {
  std::string text;
  bool own = false;      // written by the template: special tokens in it are special
  bool learned = false;  // what the model is to say: counts in the loss of SFT
};

struct RenderedChat {
  std::vector<ChatSegment> segments;
  /// All segments together.
  std::string text() const;
};

struct EncodedChat {
  std::vector<int32_t> ids;
  std::vector<uint8_t> learned;  // per id: 1 where the loss counts
};

/// What goes into a render besides the messages. Pointers may be null and must live until it ends.
struct ChatOptions {
  const Json* tools = nullptr;      // JSON schemas of functions
  const Json* documents = nullptr;  // for retrieval: objects, as a rule with "title" and "text"
  const Json* variables = nullptr;  // an object: further variables, e.g. {"enable_thinking": false}
  bool add_generation_prompt = false;
  std::string continue_field;  // leave the last message open behind this field, e.g. "content"; empty: no
  bool mark_learned = false;   // say which parts are learned, at the cost of further renders
  jinja::Clock clock;          // what strftime_now shows
  jinja::Limits limits;
};

struct NamedTemplate {
  std::string name, source, place;  // place: the file, for errors
};

/// Names of special tokens in templates, e.g. {"bos_token", "<s>"}.
using SpecialTokens = std::vector<std::pair<std::string, std::string>>;

/// Immutable; share it between threads.
class ChatTemplate {
 public:
  /// `name` stands in the errors.
  static Result<ChatTemplate> create(std::string_view source, SpecialTokens tokens, std::string_view name);
  /// Several, of which requests with tools take "tool_use" and others "default".
  static Result<ChatTemplate> create(const std::vector<NamedTemplate>& templates, SpecialTokens tokens);
  /// The template of a directory: chat_template.jinja and additional_chat_templates/, else what tokenizer_config.json
  /// says, else ChatML if the tokenizer has its tokens; nothing if it does not.
  ///
  /// Throws   kInvalidArgument naming file and line.
  static std::optional<ChatTemplate> load(const fs::path& directory, const Tokenizer& tokenizer);
  /// ChatML. Throws kInvalidArgument if the tokenizer lacks one of its tokens.
  static ChatTemplate chatml(const Tokenizer& tokenizer);

  /// `messages`: a list of objects with "role" and, as a rule, "content". Fields that are null count as absent.
  ///
  /// Throws   kInvalidArgument with the template's line for what it refuses (raise_exception among it), naming its file
  ///          without the folder; kExhausted at a limit, kDeadline at that of time.
  RenderedChat render(const Json& messages, const ChatOptions& options = {}) const;
  /// Whether the source of the template that these options choose speaks of `word`, e.g. "tools" or a role.
  bool mentions(std::string_view word, const ChatOptions& options) const;
  /// Whether any of its templates does.
  bool mentions(std::string_view word) const;
  const std::string& source() const { return sources_.front().text; }

 private:
  struct Source {
    std::string name, text;
    jinja::Template parsed;
  };
  explicit ChatTemplate(SpecialTokens tokens);
  void add(std::string_view name, std::string_view source, std::string_view place);
  const Source& choose(const ChatOptions& options) const;
  jinja::MarkedText render_once(const Source& source, const Json& messages, const ChatOptions& options,
                                std::span<const uint8_t> generated) const;
  jinja::MarkedText render_learned(const Source& source, const Json& messages, const ChatOptions& options) const;
  std::vector<Source> sources_;  // "default" first
  SpecialTokens tokens_;
  bool is_chatml_ = false;  // ours, which knows what the model says and takes known roles only
};

/// The ChatML template for tokenizer_config.json. Shows tools in the first system message, and calls of them as
/// <tool_call>{"name": …, "arguments": …}</tool_call>.
std::string chatml_jinja();

/// Appends the ids of a rendered chat. A change of `learned` begins a new stretch of text, so that training begins with
/// exactly the tokens of the generation prompt; other segments are encoded together, as transformers does.
EncodedChat encode_chat(TokenEncoder& encoder, const RenderedChat& chat);
EncodedChat encode_chat(const Tokenizer& tokenizer, const RenderedChat& chat);

}  // namespace maru::text
