#include "platform/database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/storage_full.h"

namespace maru::platform {
namespace {

constexpr int64_t kApplication = 0x4d617275;  // "Maru", so that another program's file is told apart
constexpr int kPatience = 10'000;             // ms for another process that writes
constexpr size_t kMostPrepared = 128;         // statements that a connection keeps for the next time

ErrorCode code_of(int sqlite) {
  switch (sqlite & 0xff) {
    case SQLITE_FULL: return ErrorCode::kExhausted;
    case SQLITE_NOMEM: return ErrorCode::kExhausted;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ErrorCode::kUnavailable;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ErrorCode::kDataLoss;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM: return ErrorCode::kInvalidArgument;
    case SQLITE_CONSTRAINT:
      return sqlite == SQLITE_CONSTRAINT_UNIQUE || sqlite == SQLITE_CONSTRAINT_PRIMARYKEY ? ErrorCode::kExists
                                                                                          : ErrorCode::kInternal;
    default: return ErrorCode::kInternal;
  }
}

int64_t pragma(Connection& connection, std::string_view name) {
  Statement statement = connection.prepare(fmt::format("PRAGMA {}", name));
  return statement.next() ? statement.integer(0) : 0;
}

}  // namespace

Statement::Statement(Connection& owner, sqlite3_stmt* statement) : owner_(owner), statement_(statement, {&owner}) {}

void Statement::GiveBack::operator()(sqlite3_stmt* statement) const { owner->take_back(statement); }

Statement& Statement::bind(int64_t value) {
  if (const int code = sqlite3_bind_int64(statement_.get(), ++bound_, value)) owner_.fail(code, "bind");
  return *this;
}

Statement& Statement::bind(double value) {
  if (const int code = sqlite3_bind_double(statement_.get(), ++bound_, value)) owner_.fail(code, "bind");
  return *this;
}

Statement& Statement::bind(std::string_view value) {
  const int code = sqlite3_bind_text64(statement_.get(), ++bound_, value.data() == nullptr ? "" : value.data(),
                                       value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  if (code != SQLITE_OK) owner_.fail(code, "bind");
  return *this;
}

Statement& Statement::bind(std::nullopt_t) {
  if (const int code = sqlite3_bind_null(statement_.get(), ++bound_)) owner_.fail(code, "bind");
  return *this;
}

bool Statement::next() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) owner_.fail(code, sqlite3_sql(statement_.get()));
  return false;
}

void Statement::run() {
  while (next()) continue;
}

int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
double Statement::number(int column) const { return sqlite3_column_double(statement_.get(), column); }

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  return {bytes == nullptr ? "" : bytes, static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

struct Connection::Prepared {
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::string sql;
  std::unique_ptr<sqlite3_stmt, Finalize> statement;
  bool lent = true;
};

void Connection::Close::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }

Connection::Connection(const fs::path& file, bool writes) : file_(file.string()) {
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (writes ? SQLITE_OPEN_CREATE : 0);
  const int code = sqlite3_open_v2(file_.c_str(), &handle, flags, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) fail(code, "open");
  sqlite3_busy_timeout(handle, kPatience);
  sqlite3_extended_result_codes(handle, 1);
  execute("PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;");
}

Connection::~Connection() { prepared_.clear(); }  // before the handle

Statement Connection::prepare(std::string_view sql) {
  for (Prepared& one : prepared_) {
    if (one.lent || one.sql != sql) continue;
    one.lent = true;
    return {*this, one.statement.get()};
  }
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) fail(code, sql);
  if (prepared_.size() >= kMostPrepared)
    if (const auto idle = std::ranges::find_if(prepared_, [](const Prepared& one) { return !one.lent; });
        idle != prepared_.end())
      prepared_.erase(idle);  // the oldest
  prepared_.push_back({std::string(sql), std::unique_ptr<sqlite3_stmt, Prepared::Finalize>(statement)});
  return {*this, statement};
}

void Connection::take_back(sqlite3_stmt* statement) {
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  for (Prepared& one : prepared_)
    if (one.statement.get() == statement) one.lent = false;
}

void Connection::execute(const std::string& script) {
  if (const int code = sqlite3_exec(handle_.get(), script.c_str(), nullptr, nullptr, nullptr)) fail(code, script);
}

int64_t Connection::changes() const { return sqlite3_changes64(handle_.get()); }

void Connection::fail(int code, std::string_view doing) const {
  if ((code & 0xff) == SQLITE_FULL) throw StorageFull({ErrorCode::kExhausted, file_ + ": the disk is full"});
  const char* words = handle_ ? sqlite3_errmsg(handle_.get()) : sqlite3_errstr(code);
  const ErrorCode ours = code_of(handle_ && code == SQLITE_CONSTRAINT ? sqlite3_extended_errcode(handle_.get()) : code);
  const std::string name = fs::path(file_).filename().string();  // clients may hear of it
  if (ours == ErrorCode::kInternal) throw Failure(ours, fmt::format("{}: {} ({})", name, words, doing));
  throw Failure(ours, fmt::format("{}: {}", name, words));
}

Database::Transaction::Transaction(Connection& connection, const char* begin) : connection_(connection) {
  connection_.prepare(begin).run();
}

void Database::Transaction::commit() {
  connection_.prepare("COMMIT").run();
  open_ = false;
}

Database::Transaction::~Transaction() {
  if (!open_) return;
  try {
    connection_.prepare("ROLLBACK").run();
  } catch (const Failure&) {
    // SQLite has rolled back itself, as it does on a full disk: nothing is open any more.
  }
}

Database::Reader::Reader(Database& owner) : owner_(owner) {
  const std::lock_guard lock(owner_.pool_);
  if (owner_.idle_.empty()) {
    connection_ = std::make_unique<Connection>(owner_.file_, false);
  } else {
    connection_ = std::move(owner_.idle_.back());
    owner_.idle_.pop_back();
  }
}

Database::Reader::~Reader() {
  const std::lock_guard lock(owner_.pool_);
  owner_.idle_.push_back(std::move(connection_));
}

Database::Database(const fs::path& file, std::span<const std::string_view> migrations) : file_(file) {
  fs::create_directories(file.parent_path());
  // Keys and names of people are in it: nobody else's to read, nor what SQLite puts beside it.
  if (const int made = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600); made >= 0) ::close(made);
  writer_ = std::make_unique<Connection>(file, true);
  migrate(migrations);
}

Database::~Database() = default;

void Database::migrate(std::span<const std::string_view> migrations) {
  const auto last = static_cast<int64_t>(migrations.size());
  const int64_t application = pragma(*writer_, "application_id");
  const bool is_new = pragma(*writer_, "schema_version") == 0 && application == 0;
  if (!is_new && application != kApplication)
    throw Failure(ErrorCode::kDataLoss, file_.string() + ": is a database, but none of Maru's");
  writer_->execute("PRAGMA journal_mode = WAL;");
  if (const int64_t version = pragma(*writer_, "user_version"); version < last && version > 0) {
    const std::string copy = fmt::format("{}.before-v{}", file_.string(), last);
    if (!fs::exists(copy)) writer_->prepare("VACUUM INTO ?").bind(copy).run();
  }
  write([&](Connection& connection) {
    const int64_t version = pragma(connection, "user_version");  // another process may have been faster
    if (version > last)
      throw Failure(ErrorCode::kInvalidArgument,
                    fmt::format("{}: was written by a newer Maru: its version is {}, this one knows {}", file_.string(),
                                version, last));
    for (int64_t i = version; i < last; ++i) connection.execute(std::string(migrations[static_cast<size_t>(i)]));
    connection.execute(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {};", kApplication, last));
  });
}

}  // namespace maru::platform
