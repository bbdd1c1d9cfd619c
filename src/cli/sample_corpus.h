// What `maru up` learns from when it is given nothing: Korean documentation that Debian ships, about 6 MB of HTML and
// XML, and questions and answers about it, which are part of this program.
#pragma once
#include <string>
#include <vector>

#include "base/file.h"

namespace maru::cli {

/// Its three folders: as their packages are installed in `system`, else as unpacked below the home (corpus/debian-ko);
/// fetched by `tool` (tools/fetch_corpus of the checkout, run with the directory to make) when neither is there.
///
/// Throws   kInvalidArgument when fetching was not agreed to, kUnavailable when it failed or there is no tool. Both
/// name
///          --input as the way that needs no sample.
std::vector<std::string> sample_corpus(const fs::path& home, const std::string& tool, const fs::path& system = "/");

/// The questions and answers, as a file of the home that is written when it is not there as it should be.
std::string sample_chats(const fs::path& home);

/// The folders below `root`, or nothing unless all of them are there.
std::vector<std::string> sample_folders(const fs::path& root);

}  // namespace maru::cli
