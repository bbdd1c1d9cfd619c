// From documents or conversations to packed token shards (formats/token_shard.h). Parallel over documents, in their
// order; the same bytes for any number of threads. The output directory appears whole or not at all.
#pragma once
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/thread_pool.h"
#include "base/watch.h"
#include "ledger/manifest.h"
#include "text/chat/chat_template.h"

namespace maru::data {

struct PackOptions {
  fs::path tokenizer;  // directory: its manifest becomes an input; without a manifest its tokenizer.json does
  fs::path output;     // datasets/NAME/tokens-TOK
  fs::path home;
  int64_t tokens_per_shard = 1 << 24;
  bool force = false;
  Watch watch;
};

struct PackResult {
  int64_t documents = 0, tokens = 0;
  bool skipped = false;  // the shards were there already, made from the same inputs
};

/// Packs train.jsonl.zst and held_out.jsonl.zst of a dataset directory: bos, the text's tokens, eos. Spellings of
/// special tokens inside a text are plain text.
///
/// Throws   kInvalidArgument if the tokenizer lacks bos or eos, or a line lacks "text" (naming file and line).
PackResult pack_dataset(const fs::path& dataset, const PackOptions& options, ThreadPool& pool);

struct ChatPackConfig {
  std::vector<std::string> inputs;
  std::vector<double> weights;  // of each input
  double held_out = 0.05;
  uint64_t seed = 1;
  static constexpr auto fields() {
    return std::tuple{
        field("inputs", &ChatPackConfig::inputs, "JSONL files (also .gz .zst .xz) or folders of them"),
        field("weights", &ChatPackConfig::weights,
              "how often a pass over the data shows each input's lines, 2.5: half of them twice, half three times; "
              "empty: once")
            .range(0, 1000)
            .unless_empty(),
        field("held_out", &ChatPackConfig::held_out, "fraction of conversations, or pairs, kept from training")
            .range(0, 0.9),
        field("seed", &ChatPackConfig::seed, "of the split")};
  }
};

/// Packs {"messages": [{"role", "content"}, …]} lines, with "tools" and "documents" if the template takes them, and
/// {"prompt", "completion"} lines by the tokenizer's chat template, with a loss mask: only what the assistant says is
/// to be predicted. A document's source bytes are those of its assistant turns.
///
/// Throws   kInvalidArgument naming file, line and field: `chat.jsonl:3: messages[1].role: is missing`; or for a
///          tokenizer without a chat template.
PackResult pack_chats(const ChatPackConfig& config, const PackOptions& options, ThreadPool& pool);

/// Packs pairs of answers: lines {"prompt", "chosen", "rejected"} of texts, or of lists of messages, with "tools" if
/// the template takes them. Without a list "prompt" it is what `chosen` and `rejected` begin with. Each line becomes
/// two documents, the chosen conversation and the rejected one; the mask is on what the assistant says behind the
/// prompt. The manifest's notes have the number of "pairs".
///
/// Throws   as pack_chats; for answers that are empty, the same, or do not end with the assistant.
PackResult pack_preferences(const ChatPackConfig& config, const PackOptions& options, ThreadPool& pool);

/// A conversation to learn from: a list of messages and what may stand beside it in its line.
struct ChatLine {
  Json messages, tools, documents;  // null: none
  size_t prompt_messages = 0;       // of the first messages nothing is learnt
};

/// The conversation in one line of JSON. `where` stands in the errors.
Result<ChatLine> parse_chat(std::string_view line, std::string_view where);

/// Two conversations that begin alike: the first `prompt_messages` of both are the prompt.
struct PreferenceLine {
  Json chosen, rejected, tools;  // tools: null: none
  size_t prompt_messages = 0;
};

/// The pair in one line of JSON. `where` stands in the errors.
Result<PreferenceLine> parse_preference(std::string_view line, std::string_view where);

}  // namespace maru::data
