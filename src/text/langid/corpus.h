// Labelled text for training language identification: paragraphs from the documentation and the message catalogues that
// distributions ship in many languages, and from JSONL.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"

namespace maru::text {

/// Whether `path` fits `pattern`: `*` is any run without '/', `**` any run, `{language}` a run of letters, '_', '-' and
/// '@' that is stored in `language`. At most one `{language}`.
bool match_path(std::string_view pattern, std::string_view path, std::string& language);

/// "pt_BR" → "pt", "sr@latin" → "sr", "en-US" → "en".
std::string base_language(std::string_view tag);

/// The paragraphs of a file, by its extension: .mo (the translated messages), .html .htm .xhtml, .page .xml (block
/// elements; code and scripts left out), .jsonl[.gz|.zst|.xz] (the field "text", split at blank lines),
/// .txt (split at blank lines). Files of other extensions are an error.
/// Throws: kInvalidArgument, kDataLoss; both name the file.
std::vector<std::string> read_paragraphs(const fs::path& path);

/// A gettext message catalogue: the translations, without the header and plural forms split.
/// Source: GNU gettext manual, "The Format of GNU MO Files".
Result<std::vector<std::string>> parse_catalogue(std::string_view bytes, std::string_view name);

/// HTML, or XML such as Mallard and DocBook, as paragraphs with single spaces.
std::vector<std::string> markup_paragraphs(std::string_view bytes, bool xml);

}  // namespace maru::text
