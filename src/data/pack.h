// From documents or conversations to packed token shards (formats/token_shard.h). Parallel over documents, in their
// order; the same bytes for any number of threads. The output directory appears whole or not at all.
#pragma once
#include <functional>
#include <limits>
#include <optional>
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
  std::function<void()> before_replacing = {};  // what lies in `output` and was made of something else
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
  std::optional<double> highest_score;  // of pairs of texts
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
        field("seed", &ChatPackConfig::seed, "of the split"),
        field("highest_score", &ChatPackConfig::highest_score,
              "of pairs of texts with a score: what their scores are divided by, as 5 of STS; empty: 1")
            .range(1e-9, 1e9)
            .unless_empty()};
  }
};

/// Packs {"messages": [{"role", "content"}, …]} lines, with "tools" and "documents" if the template takes them, and
/// {"prompt", "completion"} lines by the tokenizer's chat template, with a loss mask: only what the assistant says is
/// to be predicted. A document's source bytes are those of its assistant turns.
///
/// Throws   kInvalidArgument naming file, line and field: `chat.jsonl:3: messages[1].role: is missing`; or for a
///          tokenizer without a chat template.
PackResult pack_chats(const ChatPackConfig& config, const PackOptions& options, ThreadPool& pool);

/// Packs what was said of answers, each line in the form of the first (PreferenceLine). Of a pair two documents are
/// made, the chosen conversation and the rejected one, whose values are its margin; of an answer with a label one,
/// whose value is 1 (good) or 0. The mask is on what the assistant says behind the prompt. The manifest's notes have
/// the number of "pairs" or of "labelled" answers.
///
/// Throws   as pack_chats; for answers that are empty, the same, or do not end with the assistant; for a line of
///          another form.
PackResult pack_preferences(const ChatPackConfig& config, const PackOptions& options, ThreadPool& pool);

/// Where the lines of a split's prompts lie in a directory of packed prompts: train.prompts.jsonl.
fs::path prompt_lines_file(const fs::path& directory, std::string_view split);

/// Packs prompts that a model is to answer itself: lines {"prompt": a text, or a list of messages}, with "tools" if the
/// template takes them, and any other columns, for rewards. Each line becomes a document, the prompt in the chat
/// template with the opening of the assistant's turn, and a line {"where": "FILE:LINE", "line": {…}} beside the shards.
/// The manifest's notes have the number of "prompts".
///
/// Throws   as pack_chats; for prompts that are empty or end with the assistant.
PackResult pack_prompts(const ChatPackConfig& config, const PackOptions& options, ThreadPool& pool);

/// Packs texts that are to lie close to each other, or not (TextsLine): each becomes a document of its bare tokens. A
/// query stands before its positive document and its negative ones, whose values are kQueryValue, kPositiveValue and
/// kNegativeValue; of several positives each has the query and the negatives again. Of two texts with a score the
/// values of both are the score divided by `highest_score`. A query is held out with all its lines. The manifest's
/// notes have the number of "texts", whether they are "scored", and what the tokenizer puts around a text ("frame") or
/// two
/// ("pair_frame"): {"pieces": [[ids], …], "piece_types": [[of each id], …], "types": [of each text]}.
///
/// Throws   kInvalidArgument naming file, line and field.
PackResult pack_texts(const ChatPackConfig& config, const PackOptions& options, ThreadPool& pool);

/// A conversation to learn from: a list of messages and what may stand beside it in its line.
struct ChatLine {
  Json messages, tools, documents;  // null: none
  size_t prompt_messages = 0;       // of the first messages nothing is learnt
};

/// The conversation in one line of JSON. `where` stands in the errors.
Result<ChatLine> parse_chat(std::string_view line, std::string_view where);

enum class PreferenceForm : uint8_t { kPairs, kPairsWithMargins, kLabelled };

/// What was said of answers to a prompt, texts or lists of messages, with "tools" if the template takes them:
///   {"prompt", "chosen", "rejected"}            one of two is better; "margin" beside them: by how much. Without a
///                                               list "prompt" it is what both begin with.
///   {"prompt", "completion", "label": bool}     one is good, or bad
/// Conversations begin with the same `prompt_messages` of the prompt.
struct PreferenceLine {
  PreferenceForm form = PreferenceForm::kPairs;
  Json chosen, rejected, tools;  // rejected: null with a label; tools: null: none
  size_t prompt_messages = 0;
  double value = 0;  // the margin; or 1 for a good answer
};

/// What is to be answered, and its line as it was.
struct PromptLine {
  Json messages, tools, line;  // tools: null: none
};

/// The prompt in one line of JSON. `where` stands in the errors.
Result<PromptLine> parse_prompt(std::string_view line, std::string_view where);

/// What one line of JSON says. `where` stands in the errors.
Result<PreferenceLine> parse_preference(std::string_view line, std::string_view where);

/// What the documents of packed texts are, where they have no score.
inline constexpr double kQueryValue = 0, kPositiveValue = 1, kNegativeValue = 2;

/// A text and where it stands in its line: "negatives[1]".
struct NamedText {
  std::string text, field;
};

/// Texts, of which some are about the same. The first is called query, anchor, question or sentence1.
struct TextsLine {
  NamedText query;
  std::vector<NamedText> positives, negatives;  // with a score: one, and none
  std::optional<double> score;                  // 0 to 1
  bool scored() const { return score.has_value(); }
};

inline constexpr double kNoHighestScore = std::numeric_limits<double>::infinity();

/// What one line of JSON says. Scores are from 0 to `highest` and divided by it. `where` stands in the errors.
Result<TextsLine> parse_texts(std::string_view line, std::string_view where, double highest);

}  // namespace maru::data
