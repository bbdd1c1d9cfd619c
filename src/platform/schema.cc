#include "platform/schema.h"

#include "platform/job_schema.h"

namespace maru::platform {
namespace {

// A file of a repository is a row that is valid from one commit to another, so that a commit costs what it changes.
// An object is a blob that a repository holds without a commit of ours: those who brought it keep their commits
// elsewhere.
constexpr std::string_view kRepositories = R"(
CREATE TABLE namespaces (
  name TEXT PRIMARY KEY,
  created_at TEXT NOT NULL,
  created_by TEXT NOT NULL
) STRICT;
CREATE TABLE repositories (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  namespace TEXT NOT NULL REFERENCES namespaces,
  name TEXT NOT NULL,
  created_at TEXT NOT NULL,
  created_by TEXT NOT NULL,
  UNIQUE (kind, namespace, name)
) STRICT;
CREATE TABLE commits (
  repository INTEGER NOT NULL REFERENCES repositories ON DELETE CASCADE,
  number INTEGER NOT NULL,
  oid TEXT NOT NULL,
  summary TEXT NOT NULL,
  description TEXT NOT NULL,
  created_at TEXT NOT NULL,
  created_by TEXT NOT NULL,
  PRIMARY KEY (repository, number),
  UNIQUE (repository, oid)
) STRICT;
CREATE TABLE files (
  repository INTEGER NOT NULL REFERENCES repositories ON DELETE CASCADE,
  path TEXT NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER,
  sha256 TEXT NOT NULL,
  size INTEGER NOT NULL,
  PRIMARY KEY (repository, path, since)
) STRICT, WITHOUT ROWID;
CREATE INDEX files_by_blob ON files (sha256);
CREATE TABLE objects (
  repository INTEGER NOT NULL REFERENCES repositories ON DELETE CASCADE,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (sha256, repository)
) STRICT, WITHOUT ROWID;
CREATE INDEX objects_by_repository ON objects (repository);
)";

// What an entity holds is JSON in the words of the API that it came through; what all of them have are columns.
constexpr std::string_view kEntities = R"(
CREATE TABLE entities (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  workspace TEXT NOT NULL,
  type TEXT NOT NULL,
  name TEXT NOT NULL,
  project TEXT NOT NULL,
  data TEXT NOT NULL,
  created_at TEXT NOT NULL,
  created_by TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  updated_by TEXT NOT NULL,
  version INTEGER NOT NULL,
  UNIQUE (type, workspace, name)
) STRICT;
)";

}  // namespace

std::span<const std::string_view> migrations() {
  static const std::string_view kMigrations[] = {kRepositories, kEntities, kTenantsScript, kJobTables};
  return kMigrations;
}

}  // namespace maru::platform
