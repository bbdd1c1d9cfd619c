#include "ledger/artefact_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/system_error.h"
#include "base/temporary.h"
#include "ledger/code_version.h"
#include "ledger/provenance.h"

namespace maru::ledger {
namespace {

// Absolute, normal, and without a '/' at the end.
fs::path tidy(const fs::path& path) {
  const fs::path full = fs::absolute(path).lexically_normal();
  return full.has_filename() ? full : full.parent_path();
}

void create(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) throw Failure(system_error(directory, "create", error.value()));
}

// Files that were copied are not on disk yet, and a rename may reach it before them.
void flush_files(const fs::path& directory) {
  for (const std::string& path : files_of(directory)) {
    const fs::path file = directory / path;
    if (fs::is_symlink(file)) continue;
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) throw Failure(system_error(file, "open", errno));
    const int error = ::fsync(fd) == 0 ? 0 : errno;
    ::close(fd);
    if (error != 0) throw Failure(system_error(file, "write", error));
  }
}

}  // namespace

void require_replaceable(const fs::path& place) {
  refuse_temporary_name(place);
  const fs::file_status status = fs::symlink_status(place);
  if (!fs::exists(status) || (fs::is_directory(status) && (is_artefact(place) || fs::is_empty(place)))) return;
  const char* what = fs::is_symlink(status)     ? "is a symbolic link"
                     : fs::is_directory(status) ? "is a directory without a manifest of Maru's"
                                                : "is a file";
  throw Failure(ErrorCode::kExists,
                place.string() + ": " + what + ", and is not replaced; give another name, or move it away");
}

void require_writable(const fs::path& place) {
  const fs::path path = tidy(place);
  require_replaceable(path);
  create(path.parent_path());
  if (::access(path.parent_path().c_str(), W_OK) != 0)
    throw Failure(system_error(path.parent_path(), "write to it", errno));
}

ArtefactWriter::ArtefactWriter(fs::path final_directory)
    : final_(tidy(final_directory)), temporary_(temporary_of(final_)) {
  require_replaceable(final_);
  create(final_.parent_path());
  if (is_artefact(final_.parent_path())) enclosing_.emplace(final_.parent_path(), FileLock::Mode::kShared);
  lock_.emplace(final_);
  remove_leftovers_of(final_, /*locked=*/true);
  fs::remove_all(temporary_);
  create(temporary_);
  mark_temporary(temporary_);
}

ArtefactWriter::~ArtefactWriter() {
  std::error_code ignored;  // a destructor cannot report; the next writer tries again
  if (!committed_) fs::remove_all(temporary_, ignored);
}

void ArtefactWriter::commit(Manifest manifest) {
  manifest.files = hash_files(temporary_);
  manifest.code_version = code_version();
  inherit_foreign(manifest, final_);
  flush_files(temporary_);
  write_manifest(temporary_, manifest);
  require_replaceable(final_);
  unmark_temporary(temporary_);
  replace_directory(temporary_, final_);
  committed_ = true;
}

}  // namespace maru::ledger
