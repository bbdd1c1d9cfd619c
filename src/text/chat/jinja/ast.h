// The syntax tree of a template. Immutable once parsed; share it between threads.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "text/chat/jinja/operations.h"

namespace maru::text::jinja {

struct Expr;
using ExprPtr = std::unique_ptr<const Expr>;
using Exprs = std::vector<ExprPtr>;

struct Constant {
  Value value;
};
struct Name {
  std::string name;
};
struct ListDisplay {
  Exprs items;
};
struct TupleDisplay {
  Exprs items;
};
struct DictDisplay {
  Exprs keys, values;
};
struct AttributeExpr {
  ExprPtr object;
  std::string name;
};
struct ItemExpr {
  ExprPtr object, index;
};
/// Only as the index of an ItemExpr. Absent parts are null.
struct SliceExpr {
  ExprPtr begin, end, step;
};
struct Arguments {
  Exprs positional, values;  // values of the keywords, beside their names
  std::vector<std::string> names;
  ExprPtr rest, keyword_rest;  // *rest, **keyword_rest
};
struct CallExpr {
  ExprPtr callee;
  Arguments arguments;
};
struct FilterExpr {
  ExprPtr value;  // null: the body of a {% filter %} or {% set %} block
  std::string name;
  Arguments arguments;
};
struct TestExpr {
  ExprPtr value;
  std::string name;
  Arguments arguments;
};
enum class UnaryOp : uint8_t { kNot, kMinus, kPlus };
struct UnaryExpr {
  UnaryOp op;
  ExprPtr operand;
};
struct BinaryExpr {
  BinaryOp op;
  ExprPtr left, right;
};
struct LogicalExpr {
  bool is_and;
  ExprPtr left, right;
};
enum class CompareOp : uint8_t { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual, kIn, kNotIn };
/// first op[0] rest[0] op[1] rest[1] …, as in Python.
struct CompareExpr {
  ExprPtr first;
  std::vector<CompareOp> ops;
  Exprs rest;
};
struct ConcatExpr {
  Exprs parts;
};
struct ConditionalExpr {
  ExprPtr test, then, otherwise;  // otherwise null: undefined
};

using ExprNode =
    std::variant<Constant, Name, ListDisplay, TupleDisplay, DictDisplay, AttributeExpr, ItemExpr, SliceExpr, CallExpr,
                 FilterExpr, TestExpr, UnaryExpr, BinaryExpr, LogicalExpr, CompareExpr, ConcatExpr, ConditionalExpr>;
struct Expr {
  int line, depth;
  ExprNode node;
};

/// What an assignment sets: a name, an attribute of a namespace, or a tuple of targets.
struct Target {
  int line = 0;
  std::string name, attribute;  // attribute empty: a name
  std::vector<Target> parts;
  bool is_tuple = false;
};

struct Statement;
using Body = std::vector<Statement>;

struct OutputStatement {
  Exprs parts;
};
struct IfStatement {
  std::vector<std::pair<ExprPtr, Body>> branches;
  Body otherwise;
};
struct ForStatement {
  Target target;
  ExprPtr iterable, filter;
  bool recursive = false;
  Body body, otherwise;
};
struct SetStatement {
  Target target;
  ExprPtr value;
};
struct SetBlockStatement {
  Target target;
  ExprPtr filter;  // a chain of FilterExpr, or null
  Body body;
};
/// A macro, or the body of a call block.
struct Signature {
  std::string name;
  std::vector<std::string> parameters;
  Exprs defaults;  // of the last parameters
  bool uses_varargs = false, uses_kwargs = false, uses_caller = false;
};
struct MacroStatement {
  Signature signature;
  Body body;
};
struct CallStatement {
  Signature signature;
  ExprPtr call;
  Body body;
};
struct FilterStatement {
  ExprPtr filter;
  Body body;
};
struct WithStatement {
  std::vector<Target> targets;
  Exprs values;
  Body body;
};
struct GenerationStatement {
  Body body;
};
/// {% block %}: rendered where it stands, for a template on its own has none that replaces it, and by self.NAME().
struct BlockStatement {
  bool scoped = false;  // sees the variables around it, not only those of the template
  std::shared_ptr<const Body> body;
};
struct BreakStatement {};
struct ContinueStatement {};

using StatementNode = std::variant<OutputStatement, IfStatement, ForStatement, SetStatement, SetBlockStatement,
                                   MacroStatement, CallStatement, FilterStatement, WithStatement, GenerationStatement,
                                   BlockStatement, BreakStatement, ContinueStatement>;
struct Statement {
  int line;
  StatementNode node;
};

struct Tree {
  std::string name;
  Body body;
  std::vector<std::pair<std::string, std::shared_ptr<const Body>>> blocks;
  bool marks_generation = false;  // has {% generation %}
};

}  // namespace maru::text::jinja
