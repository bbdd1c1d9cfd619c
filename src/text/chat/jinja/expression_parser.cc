#include "text/chat/jinja/expression_parser.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/error.h"

namespace maru::text::jinja {
namespace {

constexpr int kMaxExprDepth = 2 * Limits::kSyntaxDepth;

Value constant(std::string text) {
  auto data = std::make_shared<StringData>();
  data->text = MarkedText::own(std::move(text));
  return {Kind::kString, std::move(data)};
}

/// The deepest of the children of a node.
struct ChildDepth {
  int depth = 0;
  void see(const ExprPtr& child) {
    if (child) depth = std::max(depth, child->depth);
  }
  void see(const Exprs& children) {
    for (const ExprPtr& child : children) see(child);
  }
  void see(const Arguments& a) { see(a.positional), see(a.values), see(a.rest), see(a.keyword_rest); }

  void operator()(const Constant&) {}
  void operator()(const Name&) {}
  void operator()(const ListDisplay& e) { see(e.items); }
  void operator()(const TupleDisplay& e) { see(e.items); }
  void operator()(const DictDisplay& e) { see(e.keys), see(e.values); }
  void operator()(const AttributeExpr& e) { see(e.object); }
  void operator()(const ItemExpr& e) { see(e.object), see(e.index); }
  void operator()(const SliceExpr& e) { see(e.begin), see(e.end), see(e.step); }
  void operator()(const CallExpr& e) { see(e.callee), see(e.arguments); }
  void operator()(const FilterExpr& e) { see(e.value), see(e.arguments); }
  void operator()(const TestExpr& e) { see(e.value), see(e.arguments); }
  void operator()(const UnaryExpr& e) { see(e.operand); }
  void operator()(const BinaryExpr& e) { see(e.left), see(e.right); }
  void operator()(const LogicalExpr& e) { see(e.left), see(e.right); }
  void operator()(const CompareExpr& e) { see(e.first), see(e.rest); }
  void operator()(const ConcatExpr& e) { see(e.parts); }
  void operator()(const ConditionalExpr& e) { see(e.test), see(e.then), see(e.otherwise); }
};

template <class Op, size_t n>
using OpTable = std::array<std::pair<std::string_view, Op>, n>;

template <class Op, size_t n>
const Op* find_op(const OpTable<Op, n>& table, const Token& token) {
  if (token.kind != TokenKind::kOperator) return nullptr;
  for (const auto& [name, op] : table)
    if (name == token.text) return &op;
  return nullptr;
}

constexpr OpTable<BinaryOp, 2> kSumOps{{{"+", BinaryOp::kAdd}, {"-", BinaryOp::kSubtract}}};
constexpr OpTable<BinaryOp, 4> kProductOps{
    {{"*", BinaryOp::kMultiply}, {"/", BinaryOp::kDivide}, {"//", BinaryOp::kFloorDivide}, {"%", BinaryOp::kModulo}}};
constexpr OpTable<CompareOp, 6> kCompareOps{{{"==", CompareOp::kEqual},
                                             {"!=", CompareOp::kNotEqual},
                                             {"<", CompareOp::kLess},
                                             {"<=", CompareOp::kLessEqual},
                                             {">", CompareOp::kGreater},
                                             {">=", CompareOp::kGreaterEqual}}};

}  // namespace

void ExpressionParser::fail(const std::string& message, int line) const {
  throw Failure(ErrorCode::kInvalidArgument,
                name_ + ":" + std::to_string(line > 0 ? line : current().line) + ": " + message);
}

void ExpressionParser::refuse(const std::string& message) const {
  throw Failure(ErrorCode::kUnimplemented, name_ + ":" + std::to_string(current().line) + ": " + message);
}

void ExpressionParser::fail_expected(const std::string& what) const {
  fail("expected " + what + ", got " + current().described());
}

Token ExpressionParser::next() {
  const Token& token = tokens_[at_];
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

bool ExpressionParser::names_token(std::string_view name, size_t from, size_t to) const {
  return std::any_of(tokens_.begin() + static_cast<ptrdiff_t>(from), tokens_.begin() + static_cast<ptrdiff_t>(to),
                     [&](const Token& token) { return token.is_name(name); });
}

bool ExpressionParser::skip_operator(std::string_view op) { return current().is_operator(op) && (next(), true); }
bool ExpressionParser::skip_name(std::string_view name) { return current().is_name(name) && (next(), true); }

void ExpressionParser::expect_operator(std::string_view op) {
  if (!skip_operator(op)) fail_expected("'" + std::string(op) + "'");
}

void ExpressionParser::expect_keyword(std::string_view name) {
  if (!skip_name(name)) fail_expected("'" + std::string(name) + "'");
}

std::string ExpressionParser::expect_name() {
  if (current().kind != TokenKind::kName) fail_expected("a name");
  return next().text;
}

ExprPtr ExpressionParser::make(int line, ExprNode node) const {
  ChildDepth children;
  std::visit(children, node);
  if (children.depth >= kMaxExprDepth) fail("the expression is nested too deeply", line);
  return std::make_unique<Expr>(Expr{line, children.depth + 1, std::move(node)});
}

ExprPtr ExpressionParser::parse_expression(bool with_conditional) {
  const Nested nested(*this);
  return with_conditional ? parse_conditional() : parse_or();
}

ExprPtr ExpressionParser::parse_conditional() {
  int line = current().line;
  ExprPtr value = parse_or();
  while (skip_name("if")) {
    ExprPtr test = parse_or(), otherwise;
    if (skip_name("else")) otherwise = parse_expression();
    value = make(line, ConditionalExpr{std::move(test), std::move(value), std::move(otherwise)});
    line = current().line;
  }
  return value;
}

ExprPtr ExpressionParser::parse_or() {
  int line = current().line;
  ExprPtr left = parse_and();
  while (skip_name("or")) {
    ExprPtr right = parse_and();
    left = make(line, LogicalExpr{false, std::move(left), std::move(right)});
    line = current().line;
  }
  return left;
}

ExprPtr ExpressionParser::parse_and() {
  int line = current().line;
  ExprPtr left = parse_not();
  while (skip_name("and")) {
    ExprPtr right = parse_not();
    left = make(line, LogicalExpr{true, std::move(left), std::move(right)});
    line = current().line;
  }
  return left;
}

ExprPtr ExpressionParser::parse_not() {
  if (!current().is_name("not")) return parse_compare();
  const Nested nested(*this);
  const int line = next().line;
  return make(line, UnaryExpr{UnaryOp::kNot, parse_not()});
}

ExprPtr ExpressionParser::parse_compare() {
  const int line = current().line;
  CompareExpr compare{parse_sum(), {}, {}};
  while (true) {
    if (const CompareOp* op = find_op(kCompareOps, current())) {
      next();
      compare.ops.push_back(*op);
    } else if (skip_name("in")) {
      compare.ops.push_back(CompareOp::kIn);
    } else if (current().is_name("not") && look().is_name("in")) {
      next(), next();
      compare.ops.push_back(CompareOp::kNotIn);
    } else {
      break;
    }
    compare.rest.push_back(parse_sum());
  }
  return compare.ops.empty() ? std::move(compare.first) : make(line, std::move(compare));
}

ExprPtr ExpressionParser::parse_sum() {
  int line = current().line;
  ExprPtr left = parse_concat();
  while (const BinaryOp* op = find_op(kSumOps, current())) {
    next();
    ExprPtr right = parse_concat();
    left = make(line, BinaryExpr{*op, std::move(left), std::move(right)});
    line = current().line;
  }
  return left;
}

ExprPtr ExpressionParser::parse_concat() {
  const int line = current().line;
  ConcatExpr concat;
  do concat.parts.push_back(parse_product());
  while (skip_operator("~"));
  return concat.parts.size() == 1 ? std::move(concat.parts[0]) : make(line, std::move(concat));
}

ExprPtr ExpressionParser::parse_product() {
  int line = current().line;
  ExprPtr left = parse_power();
  while (const BinaryOp* op = find_op(kProductOps, current())) {
    next();
    ExprPtr right = parse_power();
    left = make(line, BinaryExpr{*op, std::move(left), std::move(right)});
    line = current().line;
  }
  return left;
}

// Unlike Python's, Jinja's power binds to the left.
ExprPtr ExpressionParser::parse_power() {
  int line = current().line;
  ExprPtr left = parse_unary();
  while (skip_operator("**")) {
    ExprPtr right = parse_unary();
    left = make(line, BinaryExpr{BinaryOp::kPower, std::move(left), std::move(right)});
    line = current().line;
  }
  return left;
}

ExprPtr ExpressionParser::parse_unary(bool with_filters) {
  const Nested nested(*this);
  const int line = current().line;
  ExprPtr value;
  if (skip_operator("-"))
    value = make(line, UnaryExpr{UnaryOp::kMinus, parse_unary(false)});
  else if (skip_operator("+"))
    value = make(line, UnaryExpr{UnaryOp::kPlus, parse_unary(false)});
  else
    value = parse_primary();
  value = parse_postfix(std::move(value));
  return with_filters ? parse_filters_and_tests(std::move(value)) : std::move(value);
}

ExprPtr ExpressionParser::parse_primary() {
  const Token& token = current();
  switch (token.kind) {
    case TokenKind::kName: return parse_name();
    case TokenKind::kString: return parse_strings();
    case TokenKind::kInteger:
    case TokenKind::kFloat: return parse_number();
    default: break;
  }
  if (token.is_operator("[")) return parse_list();
  if (token.is_operator("{")) return parse_dict();
  if (!skip_operator("(")) fail_expected("an expression");
  ExprPtr inner = parse_tuple(true, "", true);
  expect_operator(")");
  return inner;
}

ExprPtr ExpressionParser::parse_name() {
  Token token = next();
  if (token.text == "true" || token.text == "True") return make(token.line, Constant{Value::boolean(true)});
  if (token.text == "false" || token.text == "False") return make(token.line, Constant{Value::boolean(false)});
  if (token.text == "none" || token.text == "None") return make(token.line, Constant{Value::none()});
  return make(token.line, Name{std::move(token.text)});
}

// Strings that follow each other are one.
ExprPtr ExpressionParser::parse_strings() {
  const int line = current().line;
  std::string text;
  while (current().kind == TokenKind::kString) text += next().text;
  return make(line, Constant{constant(std::move(text))});
}

ExprPtr ExpressionParser::parse_number() {
  const Token token = next();
  std::string_view digits = token.text;
  if (token.kind == TokenKind::kFloat) {
    double value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error == std::errc::result_out_of_range) value = std::strtod(token.text.c_str(), nullptr);
    return make(token.line, Constant{Value::real(value)});
  }
  int base = 10;
  if (digits.size() > 2 && digits[0] == '0' && digits[1] > '9') {
    const char letter = static_cast<char>(digits[1] | 0x20);
    base = letter == 'x' ? 16 : letter == 'o' ? 8 : 2;
    digits.remove_prefix(2);
  }
  int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc()) fail("expected an integer below 2^63, got " + token.text, token.line);
  return make(token.line, Constant{Value::integer(value)});
}

ExprPtr ExpressionParser::parse_list() {
  const int line = next().line;
  ListDisplay list;
  while (!current().is_operator("]")) {
    if (!list.items.empty()) expect_operator(",");
    if (current().is_operator("]")) break;
    list.items.push_back(parse_expression());
  }
  expect_operator("]");
  return make(line, std::move(list));
}

ExprPtr ExpressionParser::parse_dict() {
  const int line = next().line;
  DictDisplay dict;
  while (!current().is_operator("}")) {
    if (!dict.keys.empty()) expect_operator(",");
    if (current().is_operator("}")) break;
    dict.keys.push_back(parse_expression());
    expect_operator(":");
    dict.values.push_back(parse_expression());
  }
  expect_operator("}");
  return make(line, std::move(dict));
}

bool ExpressionParser::at_tuple_end(std::string_view end) const {
  const Token& token = current();
  return token.kind == TokenKind::kPrintEnd || token.kind == TokenKind::kBlockEnd || token.is_operator(")") ||
         (!end.empty() && token.is_name(end));
}

ExprPtr ExpressionParser::parse_tuple(bool with_conditional, std::string_view end, bool parentheses) {
  const int line = current().line;
  Exprs items;
  bool is_tuple = false;
  while (!at_tuple_end(end)) {
    items.push_back(parse_expression(with_conditional));
    if (!skip_operator(",")) break;
    is_tuple = true;
  }
  if (!is_tuple && !items.empty()) return std::move(items[0]);
  if (!is_tuple && !parentheses) fail_expected("an expression");
  return make(line, TupleDisplay{std::move(items)});
}

}  // namespace maru::text::jinja
