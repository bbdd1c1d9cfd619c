#include "ledger/artefact_writer.h"

#include <signal.h>
#include <unistd.h>

#include <charconv>

#include "base/error.h"
#include "ledger/code_version.h"
#include "ledger/provenance.h"

namespace maru::ledger {
namespace {

bool is_dead(std::string_view pid_text) {
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(pid_text.data(), pid_text.data() + pid_text.size(), pid);
  const bool number = error == std::errc() && end == pid_text.data() + pid_text.size() && pid > 0;
  return number && pid != ::getpid() && ::kill(pid, 0) != 0 && errno == ESRCH;
}

// Removes what killed processes left beside `final_directory`.
void remove_leftovers(const fs::path& final_directory) {
  const std::string name = final_directory.filename().string();
  std::vector<fs::path> leftovers;
  for (const fs::directory_entry& entry : fs::directory_iterator(final_directory.parent_path())) {
    const std::string other = entry.path().filename().string();
    for (const std::string& prefix : {name + ".tmp-", name + ".old-"})
      if (other.starts_with(prefix) && is_dead(std::string_view(other).substr(prefix.size())))
        leftovers.push_back(entry.path());
  }
  for (const fs::path& path : leftovers) fs::remove_all(path);
}

// Absolute, normal, and without a '/' at the end.
fs::path tidy(const fs::path& path) {
  const fs::path full = fs::absolute(path).lexically_normal();
  return full.has_filename() ? full : full.parent_path();
}

void create(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) throw Failure(ErrorCode::kInvalidArgument, directory.string() + ": cannot create: " + error.message());
}

}  // namespace

ArtefactWriter::ArtefactWriter(fs::path final_directory)
    : final_(tidy(final_directory)), temporary_(final_.string() + ".tmp-" + std::to_string(::getpid())) {
  create(final_.parent_path());
  remove_leftovers(final_);
  fs::remove_all(temporary_);
  create(temporary_);
}

ArtefactWriter::~ArtefactWriter() {
  std::error_code ignored;  // a destructor cannot report; the next writer tries again
  if (!committed_) fs::remove_all(temporary_, ignored);
}

void ArtefactWriter::commit(Manifest manifest) {
  manifest.files = hash_files(temporary_);
  manifest.code_version = code_version();
  inherit_foreign(manifest, final_);
  write_manifest(temporary_, manifest);
  replace_directory(temporary_, final_);
  committed_ = true;
}

}  // namespace maru::ledger
