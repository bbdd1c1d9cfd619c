// The labelled paragraphs that language identification is trained on: gathered by a recipe's path patterns, cleaned,
// and cut into examples of sentence length.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.h"
#include "base/random.h"
#include "base/watch.h"
#include "text/langid/features.h"
#include "text/langid/trainer.h"

namespace maru::text {

struct LabelledParagraph {
  std::string text;
  std::string language;
  uint64_t key = 0;  // hash of its letters
  size_t source = 0;
  bool held_out = false;
};

/// Reads, cleans and bounds the corpus. What is dropped: languages that the recipe does not list; fewer than
/// `min_letters` letters; mostly letters of another script than the language's own; text that occurs under several
/// languages (kept in English if it is among them); repetitions; all but `max_paragraphs` per source and language
/// (those with the lowest hashes stay). The result is ordered by language, then hash.
/// Throws: kNotFound when a source's pattern fits no file.
std::vector<LabelledParagraph> gather_paragraphs(const LangidConfig& config, const fs::path& corpus,
                                                 const LetterTable& table, const Watch& watch);

/// The scripts that a language's training text may be in.
std::vector<Script> scripts_of(const LangidConfig& config, const std::string& language);

/// Cuts a paragraph into pieces of `config.min_letters` to `config.max_letters` code points (log-uniform), at spaces
/// where the script has them.
std::vector<std::string_view> cut_paragraph(const LangidConfig& config, std::string_view text, Random& random);

}  // namespace maru::text
