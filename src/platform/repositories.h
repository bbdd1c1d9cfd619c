// Repositories of files, as the hub of Hugging Face has them: a line of commits, each with every file that it holds by
// path. Bytes lie in the blob store; what is here is who holds what since when.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/audit.h"
#include "platform/blob_store.h"
#include "platform/database.h"

namespace maru::platform {

/// "datasets" or "models", and whose it is.
struct RepositoryName {
  std::string kind, space, name;
  /// "datasets team/talks".
  std::string text() const;
};

struct Repository {
  int64_t id = 0;
  RepositoryName name;
  std::string created_at, created_by;
};

struct Commit {
  int64_t number = 0;  // the first, which holds nothing, is 0
  std::string oid;     // 40 hexadecimal digits
  std::string summary, description, created_at, created_by;
};

struct RepositoryFile {
  std::string path;
  Blob blob;
  int64_t since = 0;  // the number of the commit that brought it
};

/// What a commit does, in order.
struct Change {
  enum class Kind : uint8_t { kPut, kDelete, kDeleteFolder } kind = Kind::kPut;
  std::string path;
  Blob blob;                // of kPut
  bool with_bytes = false;  // of kPut: they came with the commit; else its workspace has to have brought them
};

struct CommitRequest {
  std::string summary, description, by;
  std::optional<std::string> parent;  // refused when it is not the last commit
  std::vector<Change> changes;
};

/// Which files of a commit.
struct FileQuery {
  std::string folder;     // below it; empty: all
  bool recursive = true;  // else files of the folder itself, and its folders as files of size 0 with an empty hash
  std::string after;      // the last path of the page before, of a folder with a slash behind it
  int64_t limit = 1000;
};

/// Of files in a repository: relative, one slash between parts, none of them "", ".", ".." or ".git", UTF-8 without
/// control characters or backslashes, at most 255 bytes each and 1,024 together, and at most 64 of them.
Outcome check_path(std::string_view path);
/// Of workspaces and repositories: letters of any script, digits, '-', '_' and '.', at most 96 bytes, none of the last
/// three at either end, no "--" or "..", and not ".git" behind it: what clients of the hub accept.
Outcome check_repository_name(std::string_view what, std::string_view name);

[[noreturn]] void missing_repository(const RepositoryName& name);

/// Thread-safe, as the database and the store are. Who asks for what is not there gets a RequestFailure (kNotFound)
/// with the field "repository", "revision" or "path".
class Repositories {
 public:
  Repositories(Database& database, BlobStore& blobs, const Audit& audit)
      : database_(database), blobs_(blobs), audit_(audit) {}

  /// Throws   kExists; kInvalidArgument for a name that is none.
  Repository create(const RepositoryName& name, const std::string& by);
  /// Throws   kNotFound.
  Repository find(const RepositoryName& name);
  std::vector<Repository> list(const std::string& kind, const std::optional<std::string>& space);
  /// With all of its commits. Its blobs go when nobody else refers to them and collect() comes. Throws   kNotFound.
  void remove(const RepositoryName& name, const std::string& by);

  /// Adds a commit, whole or not at all. One that changes nothing is none: the last one is returned.
  ///
  /// Throws   kNotFound without the repository, or a file that is to be deleted; kInvalidArgument for a path that is
  ///          none, or that is a file and a folder at once; kExists with the field "parent" when that is not the last
  ///          commit any more; kUnavailable for a blob that is not there (any more).
  Commit commit(const RepositoryName& name, const CommitRequest& request);
  /// "main" or the oid of a commit. Throws   kNotFound.
  Commit revision(const RepositoryName& name, std::string_view revision);
  /// From a revision on back, without the `skip` newest of them.
  std::vector<Commit> commits(const RepositoryName& name, std::string_view revision, int64_t skip, int64_t limit);
  /// That of a number. Throws   kNotFound.
  Commit numbered(const RepositoryName& name, int64_t number);
  /// Sorted by path. Throws   kNotFound.
  std::vector<RepositoryFile> files(const RepositoryName& name, std::string_view revision, const FileQuery& query);
  /// Throws   kNotFound.
  RepositoryFile file(const RepositoryName& name, std::string_view revision, std::string_view path);
  /// Of these paths, files and folders (as FileQuery says) that are there; in their order. Throws   kNotFound.
  std::vector<RepositoryFile> entries(const RepositoryName& name, std::string_view revision,
                                      const std::vector<std::string>& paths);
  /// Holds blobs that no commit has, until it is removed; whoever uses Git keeps commits elsewhere. Throws   kNotFound.
  void keep(const RepositoryName& name, const std::vector<Blob>& blobs);
  /// Whether any commit of it has a file of these bytes, or it keeps them without. Throws   kNotFound.
  bool holds(const RepositoryName& name, std::string_view sha256);
  /// A workspace has shown that it has these bytes, so it may refer to them until collect() finds that it does not.
  ///
  /// Throws   LimitFailure where that is more than the workspace may keep, as commit() and keep() do.
  void bring(const std::string& workspace, const Blob& blob);
  /// How many bytes more the workspace may keep; nothing: there is no limit.
  std::optional<int64_t> room(const std::string& workspace);
  /// The blob, where the workspace has brought it or one of its repositories holds it; whoever else has it is nobody's
  /// business.
  std::optional<Blob> find_blob(const std::string& workspace, std::string_view sha256);

  /// Removes blobs that no repository holds; their number.
  int64_t collect(std::chrono::seconds unused_for);

 private:
  Database& database_;
  BlobStore& blobs_;
  const Audit& audit_;
};

}  // namespace maru::platform
