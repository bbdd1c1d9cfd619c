#include "data/listing.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "base/error.h"
#include "base/path_text.h"

namespace maru::data {
namespace {

bool may_read(const fs::path& path) { return ::faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) == 0; }

// Adds what lies in one folder; folders in it come to `folders`.
void list_folder(const fs::path& folder, std::vector<ListedFile>& files, std::vector<fs::path>& folders) {
  std::error_code error;
  fs::directory_iterator it(folder, error);
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    const fs::file_status status = it->symlink_status(error);
    if (error) break;
    if (fs::is_directory(status))
      folders.push_back(it->path());
    else if (fs::is_symlink(status))
      files.push_back({it->path(), "link"});
    else if (!fs::is_regular_file(status))
      files.push_back({it->path(), "not_a_file"});
    else
      files.push_back({it->path(), may_read(it->path()) ? "" : "unreadable"});
  }
  if (error) files.push_back({folder, "unreadable"});
}

std::string why(std::string_view skipped) {
  if (skipped == "link") return "is a symbolic link, which is not followed; name what it leads to as an input";
  if (skipped == "unreadable") return "may not be read by this user";
  return "is neither a file nor a folder";
}

}  // namespace

std::vector<ListedFile> list_corpus(const fs::path& root) {
  std::error_code error;
  const fs::file_status status = fs::status(root, error);
  if (status.type() == fs::file_type::not_found)
    throw Failure(ErrorCode::kNotFound, path_text(root) + ": does not exist");
  if (error) throw Failure(ErrorCode::kInvalidArgument, path_text(root) + ": " + error.message());
  if (fs::is_regular_file(status)) return {{root, ""}};
  if (!fs::is_directory(status))
    throw Failure(ErrorCode::kInvalidArgument, path_text(root) + ": is neither a file nor a folder");
  std::vector<ListedFile> files;
  std::vector<fs::path> folders{root};
  while (!folders.empty()) {
    const fs::path folder = std::move(folders.back());
    folders.pop_back();
    list_folder(folder, files, folders);
  }
  std::sort(files.begin(), files.end(), [](const ListedFile& a, const ListedFile& b) { return a.path < b.path; });
  return files;
}

std::vector<fs::path> files_to_read(const fs::path& root) {
  std::vector<fs::path> files;
  for (ListedFile& file : list_corpus(root)) {
    if (!file.skipped.empty())
      throw Failure(ErrorCode::kInvalidArgument, path_text(file.path) + ": " + why(file.skipped));
    files.push_back(std::move(file.path));
  }
  return files;
}

}  // namespace maru::data
