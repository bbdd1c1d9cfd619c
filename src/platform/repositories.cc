#include "platform/repositories.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <unordered_set>

#include "base/excerpt.h"
#include "base/limit_failure.h"
#include "base/request_failure.h"
#include "platform/quotas.h"
#include "platform/utc_time.h"
#include "platform/workspaces.h"

namespace maru::platform {
namespace {

constexpr std::string_view kMain = "main";

std::string now() { return utc_text(utc_now()); }

[[noreturn]] void missing(std::string message, const char* field) {
  throw RequestFailure(ErrorCode::kNotFound, std::move(message), field, "");
}

Repository read_repository(Statement& row) {
  return {row.integer(0), {row.text(1), row.text(2), row.text(3)}, row.text(4), row.text(5)};
}

Repository find_repository(Connection& c, const RepositoryName& name) {
  Statement row = c.prepare(
      "SELECT id, kind, workspace, name, created_at, created_by FROM repositories "
      "WHERE kind = ? AND workspace = ? AND name = ?");
  row.bind(name.kind).bind(name.space).bind(name.name);
  if (!row.next()) missing_repository(name);
  return read_repository(row);
}

constexpr std::string_view kCommitsOf =
    "SELECT number, oid, summary, description, created_at, created_by FROM commits WHERE repository = ? "
    "AND number <= ? ORDER BY number DESC LIMIT ?";
constexpr std::string_view kCommitNamed =
    "SELECT number, oid, summary, description, created_at, created_by FROM commits WHERE repository = ? AND oid = ?";

Commit read_commit(Statement& row) {
  return {row.integer(0), row.text(1), row.text(2), row.text(3), row.text(4), row.text(5)};
}

Commit find_commit(Connection& c, const Repository& repository, std::string_view revision) {
  Statement row = c.prepare(revision == kMain ? kCommitsOf : kCommitNamed);
  row.bind(repository.id);
  if (revision == kMain)
    row.bind(std::numeric_limits<int64_t>::max()).bind(int64_t{1});
  else
    row.bind(revision);
  if (row.next()) return read_commit(row);
  missing(fmt::format("{}: has no revision \"{}\"", repository.name.text(), excerpt(revision, 200)), "revision");
}

void insert_commit(Connection& c, const Repository& repository, const Commit& commit) {
  c.prepare(
       "INSERT INTO commits (repository, number, oid, summary, description, created_at, created_by) "
       "VALUES (?, ?, ?, ?, ?, ?, ?)")
      .bind(repository.id)
      .bind(commit.number)
      .bind(commit.oid)
      .bind(commit.summary)
      .bind(commit.description)
      .bind(commit.created_at)
      .bind(commit.created_by)
      .run();
}

/// The first bytes of a path's children; the first that are none.
std::string children_of(std::string_view folder) { return std::string(folder) + "/"; }
std::string behind_children_of(std::string_view folder) { return std::string(folder) + "0"; }  // '0' follows '/'

/// The files that the next commit has, while it is being made.
class NextFiles {
 public:
  NextFiles(Connection& c, const Repository& repository, int64_t number)
      : c_(c), repository_(repository), number_(number) {}
  void apply(const Change& change) {
    const int64_t before = changed_;
    switch (change.kind) {
      case Change::Kind::kPut: return put(change);
      case Change::Kind::kDelete: end("path = ?", {change.path}); break;
      case Change::Kind::kDeleteFolder:
        end("path >= ? AND path < ?", {children_of(change.path), behind_children_of(change.path)});
        break;
    }
    if (changed_ == before)
      missing(fmt::format("{}: {}: is not there to be deleted", repository_.name.text(), change.path), "path");
  }
  /// Throws when a path is a file and a folder at once.
  void check(const std::string& path) const {
    if (!has("path = ?", {path})) return;  // it has gone again
    for (size_t slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1))
      if (has("path = ?", {path.substr(0, slash)})) refuse(path, path.substr(0, slash));
    if (has("path >= ? AND path < ?", {children_of(path), behind_children_of(path)})) refuse(path, path);
  }
  int64_t changed() const { return changed_; }

 private:
  [[noreturn]] void refuse(const std::string& path, const std::string& both) const {
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("{}: {}: {} would be a file and a folder at once", repository_.name.text(), path, both));
  }
  bool has(const char* where, const std::vector<std::string>& paths) const {
    Statement row =
        c_.prepare(fmt::format("SELECT 1 FROM files WHERE repository = ? AND until IS NULL AND {} LIMIT 1", where));
    row.bind(repository_.id);
    for (const std::string& path : paths) row.bind(path);
    return row.next();
  }
  void put(const Change& change) {
    Statement row = c_.prepare("SELECT sha256, size FROM files WHERE repository = ? AND path = ? AND until IS NULL");
    row.bind(repository_.id).bind(change.path);
    if (row.next()) {
      if (row.text(0) == change.blob.sha256) return;
      end("path = ?", {change.path});
    }
    c_.prepare("INSERT INTO files (repository, path, since, sha256, size) VALUES (?, ?, ?, ?, ?)")
        .bind(repository_.id)
        .bind(change.path)
        .bind(number_)
        .bind(change.blob.sha256)
        .bind(static_cast<int64_t>(change.blob.size))
        .run();
    ++changed_;
  }
  // What came in this very commit leaves no trace.
  void end(const char* where, const std::vector<std::string>& paths) {
    for (const char* how : {"DELETE FROM files WHERE repository = ? AND until IS NULL AND since = ? AND ",
                            "UPDATE files SET until = ?2 WHERE repository = ?1 AND until IS NULL AND "}) {
      Statement statement = c_.prepare(std::string(how) + where);
      statement.bind(repository_.id).bind(number_);
      for (const std::string& path : paths) statement.bind(path);
      statement.run();
      changed_ += c_.changes();
    }
  }

  Connection& c_;
  const Repository& repository_;
  const int64_t number_;
  int64_t changed_ = 0;
};

// Whether a workspace may refer to a blob by its hash.
bool has_brought(Connection& c, std::string_view workspace, std::string_view sha256) {
  Statement row = c.prepare(
      "SELECT 1 FROM brought WHERE workspace = ?1 AND sha256 = ?2 "
      "UNION ALL SELECT 1 FROM files JOIN repositories ON repositories.id = files.repository "
      "WHERE files.sha256 = ?2 AND workspace = ?1 "
      "UNION ALL SELECT 1 FROM objects JOIN repositories ON repositories.id = objects.repository "
      "WHERE objects.sha256 = ?2 AND workspace = ?1 LIMIT 1");
  row.bind(workspace).bind(sha256);
  return row.next();
}

/// Each blob once, of all commits, kept without one, or brought lately.
int64_t stored_bytes(Connection& c, const std::string& workspace) {
  Statement row = c.prepare(
      "SELECT coalesce(sum(size), 0) FROM (SELECT max(size) AS size FROM ("
      "SELECT sha256, size FROM files JOIN repositories ON id = repository WHERE workspace = ?1 UNION ALL "
      "SELECT sha256, size FROM objects JOIN repositories ON id = repository WHERE workspace = ?1 UNION ALL "
      "SELECT sha256, size FROM brought WHERE workspace = ?1) GROUP BY sha256)");
  row.bind(workspace);
  return row.next() ? row.integer(0) : 0;
}

/// Behind a change that is undone when it throws.
void check_storage(Connection& c, const std::string& workspace) {
  const int64_t limit = storage_limit(c, workspace);
  if (limit == 0) return;
  if (const int64_t stored = stored_bytes(c, workspace); stored > limit)
    throw LimitFailure(
        fmt::format("your workspace may keep {} bytes of files (storage_bytes): with these it would be {}; "
                    "delete repositories, or ask whoever runs this server",
                    limit, stored),
        0);
}

/// Blobs that a commit refers to.
class Referred {
 public:
  Referred(Connection& c, const BlobStore& blobs, const RepositoryName& name, const std::vector<Change>& changes)
      : c_(c), blobs_(blobs), name_(name) {
    for (const Change& change : changes)
      if (change.kind == Change::Kind::kPut && change.with_bytes) its_own_.insert(change.blob.sha256);
  }
  void check(const Change& change) {
    const Blob& blob = change.blob;
    if (its_own_.contains(blob.sha256) || has_brought(c_, name_.space, blob.sha256))
      if (const auto there = blobs_.find(blob.sha256); there && there->size == blob.size)
        return void(its_own_.insert(blob.sha256));
    throw Failure(ErrorCode::kUnavailable,
                  fmt::format("{}: {}: its {} bytes with the SHA-256 {} are not here: bring them (again)", name_.text(),
                              change.path, blob.size, blob.sha256));
  }

 private:
  Connection& c_;
  const BlobStore& blobs_;
  const RepositoryName& name_;
  std::unordered_set<std::string> its_own_;
};

std::string oid_of(const Commit& parent, const Commit& commit, const std::vector<Change>& changes) {
  Sha256 hash;
  const auto add = [&](std::string_view text) { hash.update(fmt::format("{} {}\n", text.size(), text)); };
  for (const std::string* text :
       {&parent.oid, &commit.summary, &commit.description, &commit.created_at, &commit.created_by})
    add(*text);
  for (const Change& change : changes) {
    add(change.path);
    add(fmt::format("{} {}", static_cast<int>(change.kind), change.blob.sha256));
  }
  return hash.hex().substr(0, 40);
}

constexpr std::string_view kFilesOf =
    "SELECT path, sha256, size, since FROM files WHERE repository = ?1 AND since <= ?2 AND (until IS NULL OR until > "
    "?2) "
    "AND path > ?3 AND (?4 = '' OR path < ?4) ORDER BY path LIMIT ?5";

constexpr std::string_view kFilesFrom =
    "SELECT path, sha256, size, since FROM files WHERE repository = ?1 AND since <= ?2 "
    "AND (until IS NULL OR until > ?2) AND path >= ?3 AND path < ?4 ORDER BY path LIMIT 1";

RepositoryFile read_file(Statement& row) {
  return {row.text(0), {row.text(1), static_cast<uint64_t>(row.integer(2))}, row.integer(3)};
}

// Rows of a commit behind a path and before another.
Statement files_between(Connection& c, int64_t repository, int64_t number, const std::string& after,
                        const std::string& before, int64_t limit) {
  Statement rows = c.prepare(kFilesOf);
  rows.bind(repository).bind(number).bind(after).bind(before).bind(limit);
  return rows;
}

// Of a folder alone: one row for each of its files, and one for all that lies in a folder of it.
std::vector<RepositoryFile> children(Connection& c, int64_t repository, int64_t number, const FileQuery& query) {
  const std::string begin = query.folder.empty() ? "" : children_of(query.folder);
  const std::string end = query.folder.empty() ? "" : behind_children_of(query.folder);
  std::vector<RepositoryFile> found;
  // Behind the last entry: of a folder, behind all that may lie in it.
  const auto behind = [](const std::string& entry) { return entry.ends_with('/') ? entry + "\xff" : entry; };
  std::string after = query.after.empty() ? begin : behind(query.after);
  while (static_cast<int64_t>(found.size()) < query.limit) {
    Statement row = files_between(c, repository, number, after, end, 1);
    if (!row.next()) break;
    RepositoryFile file = read_file(row);
    const size_t slash = file.path.find('/', begin.size());
    if (slash == file.path.npos) {
      after = file.path;
      found.push_back(std::move(file));
    } else {
      after = behind(file.path.substr(0, slash + 1));
      found.push_back({file.path.substr(0, slash), {}, file.since});
    }
  }
  return found;
}

}  // namespace

void missing_repository(const RepositoryName& name) {
  missing(fmt::format("{}: there is no such repository", name.text()), "repository");
}

std::string RepositoryName::text() const { return fmt::format("{} {}/{}", kind, space, name); }

Repository Repositories::create(const RepositoryName& name, const std::string& by) {
  check_workspace_name("workspace", name.space).value();
  check_repository_name("repository", name.name).value();
  return database_.write([&](Connection& c) {
    const std::string at = now();
    c.prepare("INSERT OR IGNORE INTO workspaces (name, created_at, created_by) VALUES (?, ?, ?)")
        .bind(name.space)
        .bind(at)
        .bind(by)
        .run();
    try {
      c.prepare("INSERT INTO repositories (kind, workspace, name, created_at, created_by) VALUES (?, ?, ?, ?, ?)")
          .bind(name.kind)
          .bind(name.space)
          .bind(name.name)
          .bind(at)
          .bind(by)
          .run();
    } catch (const Failure& e) {
      if (e.code() != ErrorCode::kExists) throw;
      throw Failure(ErrorCode::kExists, fmt::format("{}: exists", name.text()));
    }
    Repository repository = find_repository(c, name);
    Commit first{.summary = "initial commit", .created_at = at, .created_by = by};
    first.oid = oid_of({.oid = name.text() + std::to_string(repository.id)}, first, {});
    insert_commit(c, repository, first);
    audit_.append(c, {.workspace = name.space, .actor = by, .action = "repository.create", .object = name.text()});
    return repository;
  });
}

Repository Repositories::find(const RepositoryName& name) {
  return database_.read([&](Connection& c) { return find_repository(c, name); });
}

std::vector<Repository> Repositories::list(const std::string& kind, const std::optional<std::string>& space) {
  return database_.read([&](Connection& c) {
    Statement rows = c.prepare(
        "SELECT id, kind, workspace, name, created_at, created_by FROM repositories "
        "WHERE kind = ?1 AND (?2 IS NULL OR workspace = ?2) ORDER BY workspace, name");
    rows.bind(kind).bind(space);
    std::vector<Repository> all;
    while (rows.next()) all.push_back(read_repository(rows));
    return all;
  });
}

void Repositories::remove(const RepositoryName& name, const std::string& by) {
  database_.write([&](Connection& c) {
    c.prepare("DELETE FROM repositories WHERE id = ?").bind(find_repository(c, name).id).run();
    audit_.append(c, {.workspace = name.space, .actor = by, .action = "repository.delete", .object = name.text()});
  });
}

Commit Repositories::commit(const RepositoryName& name, const CommitRequest& request) {
  for (const Change& change : request.changes) check_path(change.path).value();
  return database_.write([&](Connection& c) {
    const Repository repository = find_repository(c, name);
    const Commit last = find_commit(c, repository, kMain);
    if (request.parent && *request.parent != last.oid)
      throw RequestFailure(ErrorCode::kExists,
                           fmt::format("{}: {} is not the last commit any more: that is {}", name.text(),
                                       excerpt(*request.parent, 40), last.oid),
                           "parent", "");
    Commit commit{last.number + 1, "", request.summary, request.description, now(), request.by};
    NextFiles files(c, repository, commit.number);
    Referred referred(c, blobs_, name, request.changes);
    for (const Change& change : request.changes) {
      if (change.kind == Change::Kind::kPut) referred.check(change);
      files.apply(change);
    }
    if (files.changed() == 0) return last;
    for (const Change& change : request.changes)
      if (change.kind == Change::Kind::kPut) files.check(change.path);
    commit.oid = oid_of(last, commit, request.changes);
    insert_commit(c, repository, commit);
    check_storage(c, name.space);
    return commit;
  });
}

Commit Repositories::revision(const RepositoryName& name, std::string_view revision) {
  return database_.read([&](Connection& c) { return find_commit(c, find_repository(c, name), revision); });
}

std::vector<Commit> Repositories::commits(const RepositoryName& name, std::string_view revision, int64_t skip,
                                          int64_t limit) {
  return database_.read([&](Connection& c) {
    const Repository repository = find_repository(c, name);
    Statement rows = c.prepare(kCommitsOf);  // their numbers have no gaps
    rows.bind(repository.id).bind(find_commit(c, repository, revision).number - skip).bind(limit);
    std::vector<Commit> all;
    while (rows.next()) all.push_back(read_commit(rows));
    return all;
  });
}

Commit Repositories::numbered(const RepositoryName& name, int64_t number) {
  return database_.read([&](Connection& c) {
    Statement rows = c.prepare(kCommitsOf);
    rows.bind(find_repository(c, name).id).bind(number).bind(int64_t{1});
    if (!rows.next()) missing(fmt::format("{}: has no commit {}", name.text(), number), "revision");
    return read_commit(rows);
  });
}

std::vector<RepositoryFile> Repositories::files(const RepositoryName& name, std::string_view revision,
                                                const FileQuery& query) {
  return database_.read([&](Connection& c) {
    const Repository repository = find_repository(c, name);
    const int64_t number = find_commit(c, repository, revision).number;
    if (!query.recursive) return children(c, repository.id, number, query);
    const std::string begin = query.folder.empty() ? "" : children_of(query.folder);
    Statement rows = files_between(c, repository.id, number, std::max(begin, query.after),
                                   query.folder.empty() ? "" : behind_children_of(query.folder), query.limit);
    std::vector<RepositoryFile> all;
    while (rows.next()) all.push_back(read_file(rows));
    return all;
  });
}

RepositoryFile Repositories::file(const RepositoryName& name, std::string_view revision, std::string_view path) {
  return database_.read([&](Connection& c) {
    const Repository repository = find_repository(c, name);
    Statement row = c.prepare(
        "SELECT path, sha256, size, since FROM files WHERE repository = ?1 AND path = ?3 AND since <= ?2 "
        "AND (until IS NULL OR until > ?2)");
    row.bind(repository.id).bind(find_commit(c, repository, revision).number).bind(path);
    if (!row.next())
      missing(fmt::format("{}: has no file \"{}\" at {}", name.text(), excerpt(path, 400), revision), "path");
    return read_file(row);
  });
}

std::vector<RepositoryFile> Repositories::entries(const RepositoryName& name, std::string_view revision,
                                                  const std::vector<std::string>& paths) {
  return database_.read([&](Connection& c) {
    const Repository repository = find_repository(c, name);
    const int64_t number = find_commit(c, repository, revision).number;
    std::vector<RepositoryFile> found;
    for (const std::string& path : paths) {
      // The first that is not before the path itself: the file, or one of the folder.
      for (const auto& [after, before] :
           {std::pair(path, path + std::string(1, '\1')), std::pair(children_of(path), behind_children_of(path))}) {
        Statement row = c.prepare(kFilesFrom);
        row.bind(repository.id).bind(number).bind(after).bind(before);
        if (!row.next()) continue;
        RepositoryFile file = read_file(row);
        found.push_back(file.path == path ? std::move(file) : RepositoryFile{path, {}, file.since});
        break;
      }
    }
    return found;
  });
}

bool Repositories::holds(const RepositoryName& name, std::string_view sha256) {
  return database_.read([&](Connection& c) {
    Statement row = c.prepare(
        "SELECT 1 FROM files WHERE repository = ?1 AND sha256 = ?2 "
        "UNION ALL SELECT 1 FROM objects WHERE repository = ?1 AND sha256 = ?2 LIMIT 1");
    row.bind(find_repository(c, name).id).bind(sha256);
    return row.next();
  });
}

void Repositories::bring(const std::string& workspace, const Blob& blob) {
  database_.write([&](Connection& c) {
    c.prepare(
         "INSERT OR REPLACE INTO brought (workspace, sha256, size, at) SELECT name, ?, ?, ? FROM workspaces "
         "WHERE name = ?")
        .bind(blob.sha256)
        .bind(static_cast<int64_t>(blob.size))
        .bind(now())
        .bind(workspace)
        .run();
    check_storage(c, workspace);
  });
}

std::optional<int64_t> Repositories::room(const std::string& workspace) {
  return database_.read([&](Connection& c) -> std::optional<int64_t> {
    const int64_t limit = storage_limit(c, workspace);
    if (limit == 0) return std::nullopt;
    return std::max<int64_t>(0, limit - stored_bytes(c, workspace));
  });
}

std::optional<Blob> Repositories::find_blob(const std::string& workspace, std::string_view sha256) {
  const bool brought = database_.read([&](Connection& c) { return has_brought(c, workspace, sha256); });
  return brought ? blobs_.find(sha256) : std::nullopt;
}

void Repositories::keep(const RepositoryName& name, const std::vector<Blob>& blobs) {
  database_.write([&](Connection& c) {
    const Repository repository = find_repository(c, name);
    for (const Blob& blob : blobs)
      c.prepare("INSERT OR IGNORE INTO objects (repository, sha256, size) VALUES (?, ?, ?)")
          .bind(repository.id)
          .bind(blob.sha256)
          .bind(static_cast<int64_t>(blob.size))
          .run();
    check_storage(c, name.space);
  });
}

int64_t Repositories::collect(std::chrono::seconds unused_for) {
  return database_.write([&](Connection& c) {
    c.prepare("DELETE FROM brought WHERE at < ?").bind(utc_text(utc_now() - unused_for)).run();
    return blobs_.collect(
        [&](const std::string& sha256) {
          Statement row = c.prepare(
              "SELECT 1 FROM files WHERE sha256 = ?1 UNION ALL SELECT 1 FROM objects WHERE sha256 = ?1 LIMIT 1");
          row.bind(sha256);
          return row.next();
        },
        unused_for);
  });
}

}  // namespace maru::platform
