// The files that a corpus consists of.
#pragma once
#include <string_view>
#include <vector>

#include "base/file.h"

namespace maru::data {

struct ListedFile {
  fs::path path;
  std::string_view skipped;  // why it is not read: "link", "not_a_file", "unreadable"; empty: it is
};

/// A file, or everything below a folder, sorted by path. A symbolic link that was named itself is followed; those in a
/// folder are not, since they may lead out of the corpus. Links, pipes, sockets, devices, and files and folders that
/// this user may not read are listed with the reason.
///
/// Throws   kNotFound if `root` does not exist, kInvalidArgument if it is neither a file nor a folder.
std::vector<ListedFile> list_corpus(const fs::path& root);

/// The same where every file counts: throws kInvalidArgument naming the first that is not read, and why.
std::vector<fs::path> files_to_read(const fs::path& root);

}  // namespace maru::data
