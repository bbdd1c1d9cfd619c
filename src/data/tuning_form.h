// What the lines of a file to tune on are, told by their keys: the forms of TRL and NeMo, ShareGPT's and Alpaca's.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/json_node.h"

namespace maru::data {

enum class TuningForm : uint8_t {
  kChats,        // conversations, or prompts with their completion
  kPreferences,  // pairs of answers
  kLabelled,     // answers that are good or bad
  kPrompts,      // to be answered by the model itself
  kTexts,        // queries with documents, or two texts with a score
};

/// "conversations", "pairs of answers", "answers with labels", "prompts",
/// "pairs of texts".
std::string_view words_of(TuningForm form);

/// Of one line. Throws   kInvalidArgument naming the line's place, its keys and the forms there are.
TuningForm form_of(const JsonNode& line);

/// Of the first line of each file (JSONL, also .gz .zst .xz) or of those of folders.
///
/// Throws   kInvalidArgument when a file holds no line, a line is of no form, or files are not of one form, naming file
///          and line; kNotFound for what is not there.
TuningForm form_of_files(const std::vector<std::string>& inputs);

}  // namespace maru::data
