// One SQLite file: one writer at a time, and readers beside it that see the last state that was whole (WAL).
//
// A transaction that has returned is on the disk, also when the machine loses its power (synchronous = FULL). Other
// processes may use the file at the same time: they wait for each other.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

struct sqlite3;
struct sqlite3_stmt;

namespace maru::platform {

class Connection;

/// A statement under way. Parameters are bound in the order of their marks: none holds text of the statement itself.
class Statement {
 public:
  Statement& bind(int64_t value);
  Statement& bind(double value);
  Statement& bind(std::string_view value);
  Statement& bind(const char* value) { return bind(std::string_view(value)); }
  Statement& bind(std::nullopt_t);
  template <class T>
  Statement& bind(const std::optional<T>& value) {
    return value ? bind(*value) : bind(std::nullopt);
  }
  /// The next row; false: there is none. Throws   kExists for a value that has to be the only one and is not,
  /// kExhausted on a full disk, kUnavailable when another process keeps writing, kDataLoss for a damaged file.
  bool next();
  /// Runs it where no row is expected.
  void run();

  int64_t integer(int column) const;
  double number(int column) const;
  std::string text(int column) const;

 private:
  friend class Connection;
  Statement(Connection& owner, sqlite3_stmt* statement);
  struct GiveBack {
    Connection* owner;
    void operator()(sqlite3_stmt* statement) const;
  };
  Connection& owner_;
  std::unique_ptr<sqlite3_stmt, GiveBack> statement_;  // lent by the connection
  int bound_ = 0;
};

/// A handle of one thread at a time.
class Connection {
 public:
  Connection(const fs::path& file, bool writes);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  /// `sql` is prepared once. It is of the program, never of a user. Throws   kInternal for what SQLite does not read.
  Statement prepare(std::string_view sql);
  /// Statements without parameters, all of a script.
  void execute(const std::string& script);
  /// Rows that the last statement changed.
  int64_t changes() const;
  [[noreturn]] void fail(int code, std::string_view doing) const;

 private:
  friend class Statement;
  void take_back(sqlite3_stmt* statement);
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  struct Prepared;
  std::string file_;
  std::unique_ptr<sqlite3, Close> handle_;
  std::vector<Prepared> prepared_;
};

/// Thread-safe.
class Database {
 public:
  /// Opens or makes `file` and brings it from its version to the last one: migration i is the script from version i to
  /// i + 1, and never changes once it is out. Before a file is changed so, a copy of it is kept as FILE.before-vN.
  ///
  /// Throws   kDataLoss for a file that is no database of Maru's or is damaged; kInvalidArgument for one of a newer
  ///          Maru; kExhausted on a full disk.
  Database(const fs::path& file, std::span<const std::string_view> migrations);
  ~Database();

  /// f(Connection&) in a transaction that all of its changes come with, or, when it throws, none. One at a time.
  template <class F>
  auto write(F f) {
    const std::lock_guard lock(writing_);
    Transaction transaction(*writer_, "BEGIN IMMEDIATE");
    return finish(transaction, *writer_, f);
  }
  /// f(Connection&), which sees one state of it all, whatever is written meanwhile.
  template <class F>
  auto read(F f) {
    const Reader reader(*this);
    Transaction transaction(reader.connection(), "BEGIN");
    return finish(transaction, reader.connection(), f);
  }
  const fs::path& file() const { return file_; }

 private:
  class Transaction {
   public:
    Transaction(Connection& connection, const char* begin);
    ~Transaction();  // rolls back what was not committed
    void commit();

   private:
    Connection& connection_;
    bool open_ = true;
  };
  /// A connection of the pool.
  class Reader {
   public:
    explicit Reader(Database& owner);
    ~Reader();
    Connection& connection() const { return *connection_; }

   private:
    Database& owner_;
    std::unique_ptr<Connection> connection_;
  };
  template <class F>
  static auto finish(Transaction& transaction, Connection& connection, F& f) {
    if constexpr (std::is_void_v<decltype(f(connection))>) {
      f(connection);
      transaction.commit();
    } else {
      auto result = f(connection);
      transaction.commit();
      return result;
    }
  }
  void migrate(std::span<const std::string_view> migrations);

  fs::path file_;
  std::mutex writing_, pool_;
  std::unique_ptr<Connection> writer_;
  std::vector<std::unique_ptr<Connection>> idle_;  // readers
};

}  // namespace maru::platform
