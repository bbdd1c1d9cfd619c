#include "platform/entities.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "base/hmac.h"
#include "base/request_failure.h"
#include "ledger/name.h"
#include "platform/utc_time.h"
#include "platform/workspaces.h"

namespace maru::platform {
namespace {

constexpr std::string_view kColumns =
    "id, workspace, type, name, project, data, created_at, created_by, updated_at, updated_by, version";
/// What conditions and orders may name beside values of the data.
constexpr std::array<std::string_view, 7> kConditionColumns{"id",         "name",       "workspace", "project",
                                                            "created_at", "updated_at", "created_by"};

std::string now() { return utc_milliseconds(std::chrono::system_clock::now()); }

Entity read_entity(const Statement& row) {
  return {.id = row.text(0),
          .name = {row.text(1), row.text(2), row.text(3)},
          .project = row.text(4),
          .data = parse_json(row.text(5), "entity").value(),
          .created_at = row.text(6),
          .created_by = row.text(7),
          .updated_at = row.text(8),
          .updated_by = row.text(9),
          .version = row.integer(10)};
}

[[noreturn]] void missing(const std::string& what) {
  throw RequestFailure(ErrorCode::kNotFound, what + ": there is none of this name", "name", "");
}

/// A part of a statement, and what its marks stand for.
struct Clause {
  std::string sql;
  std::vector<Json> values;

  void add(const Clause& other) {
    sql += other.sql;
    values.insert(values.end(), other.values.begin(), other.values.end());
  }
};

/// SQLite reads a key up to the next quotation mark, whatever stands before that.
std::string json_path(const std::vector<std::string>& keys) {
  std::string path = "$";
  for (const std::string& key : keys) {
    if (key.find('"') != key.npos) refuse("a filter cannot name a key with a quotation mark", "filter");
    path += ".\"" + key + '"';
  }
  return path;
}

Clause value_of(const std::vector<std::string>& path) {
  if (path.empty() || path.size() > kMostPathKeys)
    refuse(fmt::format("expected a path of 1 to {} keys, got {}", kMostPathKeys, path.size()), "filter");
  if (path.size() == 1 && std::ranges::find(kConditionColumns, path[0]) != kConditionColumns.end())
    return {path[0], {}};
  return {"json_extract(data, ?)", {json_path(path)}};
}

std::string marks(size_t count) {
  std::string text = "?";
  for (size_t i = 1; i < count; ++i) text += ", ?";
  return text;
}

Clause contains_any(const EntityCondition& condition) {
  Clause clause{"(", {}};
  for (size_t i = 0; i < condition.values.size(); ++i) {
    clause.sql += i == 0 ? "instr(lower(" : " OR instr(lower(";
    clause.add(value_of(condition.path));
    clause.sql += "), lower(?)) > 0";
    clause.values.push_back(condition.values[i]);
  }
  clause.sql += ")";
  return clause;
}

Clause clause_of(const EntityCondition& condition) {
  using Test = EntityCondition::Test;
  const std::vector<Json>& values = condition.values;
  if (values.empty() || values.size() > kMostConditionValues)
    refuse(fmt::format("a filter takes 1 to {} values, got {}", kMostConditionValues, values.size()), "filter");
  if (condition.test == Test::kContains) return contains_any(condition);
  Clause clause = value_of(condition.path);
  if (condition.test == Test::kPresent) {
    clause.sql += values[0] == Json(true) ? " IS NOT NULL" : " IS NULL";
    return clause;
  }
  if (condition.test == Test::kEquals)
    clause.sql += " IN (" + marks(values.size()) + ")";
  else
    clause.sql += condition.test == Test::kAtLeast ? " >= ?" : " <= ?";
  clause.values.insert(clause.values.end(), values.begin(), values.end());
  return clause;
}

Clause where(const EntityQuery& query) {
  if (query.conditions.size() > kMostConditions)
    refuse(fmt::format("at most {} filters, got {}", kMostConditions, query.conditions.size()), "filter");
  Clause clause{" WHERE type = ?", {query.type}};
  if (query.workspace) clause.add({" AND workspace = ?", {*query.workspace}});
  for (const EntityCondition& condition : query.conditions) {
    clause.sql += " AND ";
    clause.add(clause_of(condition));
  }
  return clause;
}

Clause order(const EntityQuery& query) {
  if (query.order.size() > kMostConditions) refuse("too many fields to sort by", "sort");
  Clause clause{" ORDER BY ", {}};
  for (const EntityOrder& one : query.order) {
    clause.add(value_of(one.path));
    clause.sql += one.descending ? " DESC, " : ", ";
  }
  clause.sql += !query.order.empty() && query.order.front().descending ? "number DESC" : "number";
  return clause;
}

void bind(Statement& statement, const std::vector<Json>& values) {
  for (const Json& value : values) {
    if (value.is_string())
      statement.bind(value.get_ref<const std::string&>());
    else if (value.is_boolean())
      statement.bind(int64_t{value.get<bool>()});
    else if (value.is_number_integer())
      statement.bind(value.get<int64_t>());
    else if (value.is_number())
      statement.bind(value.get<double>());
    else
      refuse("a filter compares texts, numbers and booleans", "filter");
  }
}

Statement prepare(Connection& c, const Clause& clause) {
  Statement statement = c.prepare(clause.sql);
  bind(statement, clause.values);
  return statement;
}

std::string text_of(const Json& data) { return data.dump(-1, ' ', false, Json::error_handler_t::strict); }

}  // namespace

std::string EntityName::text() const { return fmt::format("{} \"{}/{}\"", type, workspace, name); }

Entity Entities::create(Connection& c, Entity draft) {
  if (const Outcome named = ledger::check_name(draft.name.type, draft.name.name); !named.ok())
    refuse(named.error().message, "name");
  if (const Outcome named = check_workspace_name("namespace", draft.name.workspace); !named.ok())
    refuse(named.error().message, "namespace");
  draft.created_at = draft.updated_at = now();
  draft.updated_by = draft.created_by;
  draft.version = 1;
  c.prepare("INSERT OR IGNORE INTO workspaces (name, created_at, created_by) VALUES (?, ?, ?)")
      .bind(draft.name.workspace)
      .bind(draft.created_at)
      .bind(draft.created_by)
      .run();
  try {
    c.prepare(fmt::format("INSERT INTO entities ({}) VALUES ({})", kColumns, marks(11)))
        .bind(draft.id)
        .bind(draft.name.workspace)
        .bind(draft.name.type)
        .bind(draft.name.name)
        .bind(draft.project)
        .bind(text_of(draft.data))
        .bind(draft.created_at)
        .bind(draft.created_by)
        .bind(draft.updated_at)
        .bind(draft.updated_by)
        .bind(draft.version)
        .run();
  } catch (const Failure& failure) {
    if (failure.code() != ErrorCode::kExists) throw;
    throw RequestFailure(ErrorCode::kExists, draft.name.text() + ": exists already", "name", "");
  }
  return draft;
}

Entity Entities::find(Connection& c, const EntityName& name, std::optional<int64_t> expected) {
  Statement row =
      c.prepare(fmt::format("SELECT {} FROM entities WHERE workspace = ? AND type = ? AND name = ?", kColumns));
  row.bind(name.workspace).bind(name.type).bind(name.name);
  if (!row.next()) missing(name.text());
  Entity entity = read_entity(row);
  if (expected && *expected != entity.version)
    throw RequestFailure(ErrorCode::kExists,
                         fmt::format("{}: has version {} by now, expected {}", name.text(), entity.version, *expected),
                         "version", "");
  return entity;
}

Entity Entities::store(Connection& c, Entity entity, const std::string& by) {
  entity.updated_at = now();
  entity.updated_by = by;
  ++entity.version;
  c.prepare("UPDATE entities SET project = ?, data = ?, updated_at = ?, updated_by = ?, version = ? WHERE id = ?")
      .bind(entity.project)
      .bind(text_of(entity.data))
      .bind(entity.updated_at)
      .bind(entity.updated_by)
      .bind(entity.version)
      .bind(entity.id)
      .run();
  return entity;
}

Entity Entities::create(Entity draft) {
  return database_.write([&](Connection& c) { return create(c, std::move(draft)); });
}

Entity Entities::find(const EntityName& name) {
  return database_.read([&](Connection& c) { return find(c, name); });
}

Entity Entities::remove(const EntityName& name) {
  return database_.write([&](Connection& c) {
    Entity entity = find(c, name);
    c.prepare("DELETE FROM entities WHERE id = ?").bind(entity.id).run();
    entity.updated_at = now();
    return entity;
  });
}

EntityPage Entities::list(const EntityQuery& query) {
  const Clause conditions = where(query);
  Clause rows{fmt::format("SELECT {} FROM entities", kColumns), {}};
  rows.add(conditions);
  rows.add(order(query));
  rows.add({" LIMIT ? OFFSET ?", {query.limit, query.offset}});
  Clause count{"SELECT count(*) FROM entities", {}};
  count.add(conditions);
  return database_.read([&](Connection& c) {
    EntityPage page;
    Statement all = prepare(c, count);
    page.total = all.next() ? all.integer(0) : 0;
    Statement row = prepare(c, rows);
    while (row.next()) page.entities.push_back(read_entity(row));
    return page;
  });
}

std::string new_entity_id(std::string_view prefix) {
  static constexpr std::string_view kDigits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  std::string bytes = random_secret(16), digits;
  while (std::ranges::any_of(bytes, [](char c) { return c != 0; })) {
    unsigned rest = 0;  // of the division of 128 bits, the highest first, by 58
    for (char& byte : bytes) {
      rest = (rest << 8) + static_cast<unsigned char>(byte);
      byte = static_cast<char>(rest / 58);
      rest %= 58;
    }
    digits += kDigits[rest];
  }
  std::ranges::reverse(digits);
  return fmt::format("{}-{}", prefix, digits);
}

}  // namespace maru::platform
