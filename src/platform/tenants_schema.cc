// Workspaces, who is in them, and what was done: the third version of platform.db.
//
// A workspace is what repositories have before the slash. Members are people and service accounts; what a key may do
// is what it was given and its member's role allows. A key that is revoked stays as a row, so that every server learns
// of it by its number of change; a name is taken by the key that is current, and free again once that is revoked.
// Blobs that a workspace has brought are its own to refer to before a commit does, and nobody else's.
#include "platform/schema.h"

namespace maru::platform {

const std::string_view kTenantsScript = R"(
ALTER TABLE namespaces RENAME TO workspaces;
ALTER TABLE workspaces ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE repositories RENAME COLUMN namespace TO workspace;
ALTER TABLE objects ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
INSERT OR IGNORE INTO workspaces (name, created_at, created_by)
  VALUES ('local', strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), 'maru');
CREATE TABLE projects (
  workspace TEXT NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  created_at TEXT NOT NULL,
  created_by TEXT NOT NULL,
  PRIMARY KEY (workspace, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE members (
  workspace TEXT NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  role TEXT NOT NULL,
  created_at TEXT NOT NULL,
  created_by TEXT NOT NULL,
  PRIMARY KEY (workspace, kind, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE keys (
  id TEXT PRIMARY KEY,
  changed INTEGER NOT NULL,
  hash TEXT NOT NULL UNIQUE,
  workspace TEXT NOT NULL,
  name TEXT NOT NULL,
  project TEXT NOT NULL,
  member_kind TEXT NOT NULL,
  member TEXT NOT NULL,
  prefix TEXT NOT NULL,
  scopes TEXT NOT NULL,
  models TEXT NOT NULL,
  weight REAL NOT NULL,
  requests_per_minute INTEGER NOT NULL,
  tokens_per_minute INTEGER NOT NULL,
  parallel_choices INTEGER NOT NULL,
  expires TEXT NOT NULL,
  revoked_at TEXT NOT NULL,
  created_at TEXT NOT NULL,
  created_by TEXT NOT NULL,
  last_used TEXT NOT NULL,
  current INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX keys_by_name ON keys (workspace, name) WHERE current = 1;
CREATE INDEX keys_of_workspaces ON keys (workspace, id);
CREATE INDEX keys_by_change ON keys (changed);
CREATE TABLE audit (
  number INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  workspace TEXT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  object TEXT NOT NULL,
  details TEXT NOT NULL,
  previous TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;
CREATE INDEX audit_of_workspaces ON audit (workspace, number);
CREATE TABLE audit_head (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  head TEXT NOT NULL
) STRICT;
CREATE TABLE brought (
  workspace TEXT NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  sha256 TEXT NOT NULL,
  size INTEGER NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (workspace, sha256)
) STRICT, WITHOUT ROWID;
CREATE TABLE usage (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  at TEXT NOT NULL,
  workspace TEXT NOT NULL,
  project TEXT NOT NULL,
  key TEXT NOT NULL,
  model TEXT NOT NULL,
  digest TEXT NOT NULL,
  adapter TEXT NOT NULL,
  input_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  reasoning_tokens INTEGER NOT NULL,
  queue_seconds REAL NOT NULL,
  compute_seconds REAL NOT NULL
) STRICT;
CREATE INDEX usage_by_time ON usage (at, id);
CREATE INDEX usage_of_workspaces ON usage (workspace, at, id);
CREATE TRIGGER usage_is_not_changed BEFORE UPDATE ON usage BEGIN SELECT RAISE(ABORT, 'usage is only added to'); END;
CREATE TRIGGER usage_is_not_removed BEFORE DELETE ON usage BEGIN SELECT RAISE(ABORT, 'usage is only added to'); END;
CREATE TABLE quotas (
  workspace TEXT NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  project TEXT NOT NULL,
  requests_per_minute INTEGER NOT NULL,
  tokens_per_minute INTEGER NOT NULL,
  tokens_per_day INTEGER NOT NULL,
  tokens_per_month INTEGER NOT NULL,
  parallel_choices INTEGER NOT NULL,
  storage_bytes INTEGER NOT NULL,
  PRIMARY KEY (workspace, project)
) STRICT, WITHOUT ROWID;
CREATE TABLE secrets (
  workspace TEXT NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  created_at TEXT NOT NULL,
  created_by TEXT NOT NULL,
  changed_at TEXT NOT NULL,
  version INTEGER NOT NULL,
  sealed TEXT NOT NULL,
  key_id TEXT NOT NULL,
  PRIMARY KEY (workspace, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX repositories_of_workspaces ON repositories (workspace);
)";

}  // namespace maru::platform
