// What stands behind an expression: attributes, subscripts, calls, filters, tests; and what can be assigned to.
#include <algorithm>
#include <array>

#include "text/chat/jinja/expression_parser.h"

namespace maru::text::jinja {
namespace {

bool is_constant_name(std::string_view name) {
  constexpr std::array kNames{"true", "false", "none", "True", "False", "None"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

}  // namespace

ExprPtr ExpressionParser::parse_postfix(ExprPtr value) {
  while (true) {
    if (current().is_operator("."))
      value = parse_attribute(std::move(value));
    else if (current().is_operator("["))
      value = parse_item(std::move(value));
    else if (current().is_operator("("))
      value = parse_call(std::move(value));
    else
      return value;
  }
}

ExprPtr ExpressionParser::parse_filters_and_tests(ExprPtr value) {
  while (true) {
    if (current().is_operator("|"))
      value = parse_filters(std::move(value));
    else if (current().is_name("is"))
      value = parse_test(std::move(value));
    else if (current().is_operator("("))
      value = parse_call(std::move(value));
    else
      return value;
  }
}

ExprPtr ExpressionParser::parse_attribute(ExprPtr object) {
  const int line = next().line;
  if (current().kind == TokenKind::kName) return make(line, AttributeExpr{std::move(object), next().text});
  if (current().kind != TokenKind::kInteger) fail_expected("a name or a number behind '.'");
  return make(line, ItemExpr{std::move(object), parse_number()});
}

ExprPtr ExpressionParser::parse_item(ExprPtr object) {
  const int line = next().line;
  Exprs indices;
  while (!current().is_operator("]")) {
    if (!indices.empty()) expect_operator(",");
    indices.push_back(parse_index());
  }
  expect_operator("]");
  const bool single = indices.size() == 1;
  const auto is_slice = [](const ExprPtr& e) { return std::holds_alternative<SliceExpr>(e->node); };
  if (!single && std::any_of(indices.begin(), indices.end(), is_slice)) fail("a slice cannot be part of a tuple", line);
  ExprPtr index = single ? std::move(indices[0]) : make(line, TupleDisplay{std::move(indices)});
  return make(line, ItemExpr{std::move(object), std::move(index)});
}

ExprPtr ExpressionParser::parse_index() {
  const int line = current().line;
  SliceExpr slice;
  const auto at_end = [&] {
    return current().is_operator("]") || current().is_operator(",") || current().is_operator(":");
  };
  if (!current().is_operator(":")) slice.begin = parse_expression();
  if (slice.begin && !current().is_operator(":")) return std::move(slice.begin);
  expect_operator(":");
  if (!at_end()) slice.end = parse_expression();
  if (skip_operator(":") && !at_end()) slice.step = parse_expression();
  return make(line, std::move(slice));
}

ExprPtr ExpressionParser::parse_call(ExprPtr callee) {
  const int line = current().line;
  return make(line, CallExpr{std::move(callee), parse_arguments()});
}

Arguments ExpressionParser::parse_arguments() {
  expect_operator("(");
  Arguments arguments;
  bool first = true;
  while (!current().is_operator(")")) {
    if (!first) expect_operator(",");
    if (current().is_operator(")")) break;
    parse_argument(arguments);
    first = false;
  }
  expect_operator(")");
  return arguments;
}

void ExpressionParser::parse_argument(Arguments& a) {
  const auto require = [&](bool ok) {
    if (!ok) fail("expected positional arguments before *, keywords and **");
  };
  if (skip_operator("*")) {
    require(!a.rest && !a.keyword_rest);
    a.rest = parse_expression();
  } else if (skip_operator("**")) {
    require(!a.keyword_rest);
    a.keyword_rest = parse_expression();
  } else if (current().kind == TokenKind::kName && look().is_operator("=")) {
    require(!a.keyword_rest);
    a.names.push_back(next().text);
    next();
    a.values.push_back(parse_expression());
  } else {
    require(!a.rest && !a.keyword_rest && a.names.empty());
    a.positional.push_back(parse_expression());
  }
}

std::string ExpressionParser::parse_dotted_name() {
  std::string name = expect_name();
  while (skip_operator(".")) name += "." + expect_name();
  return name;
}

ExprPtr ExpressionParser::parse_filters(ExprPtr value, bool inline_first) {
  while (inline_first || skip_operator("|")) {
    inline_first = false;
    const int line = current().line;
    std::string name = parse_dotted_name();
    Arguments arguments;
    if (current().is_operator("(")) arguments = parse_arguments();
    value = make(line, FilterExpr{std::move(value), std::move(name), std::move(arguments)});
  }
  return value;
}

ExprPtr ExpressionParser::parse_test(ExprPtr value) {
  const int line = next().line;
  const bool negated = skip_name("not");
  TestExpr test{std::move(value), parse_dotted_name(), {}};
  const Token& token = current();
  const bool word =
      token.kind == TokenKind::kName && !token.is_name("else") && !token.is_name("or") && !token.is_name("and");
  if (token.is_operator("(")) {
    test.arguments = parse_arguments();
  } else if (word || token.kind == TokenKind::kString || token.kind == TokenKind::kInteger ||
             token.kind == TokenKind::kFloat || token.is_operator("[") || token.is_operator("{")) {
    if (token.is_name("is")) fail("tests cannot follow each other with 'is'");
    test.arguments.positional.push_back(parse_postfix(parse_primary()));
  }
  ExprPtr result = make(line, std::move(test));
  return negated ? make(line, UnaryExpr{UnaryOp::kNot, std::move(result)}) : std::move(result);
}

Target ExpressionParser::parse_simple_target(bool with_namespace) {
  const Nested nested(*this);
  Target target{.line = current().line};
  if (skip_operator("(")) {
    target = parse_target(with_namespace);
    expect_operator(")");
    return target;
  }
  target.name = expect_name();
  if (is_constant_name(target.name)) fail("cannot assign to " + target.name, target.line);
  if (with_namespace && skip_operator(".")) target.attribute = expect_name();
  return target;
}

Target ExpressionParser::parse_target(bool with_namespace, std::string_view end) {
  Target tuple{.line = current().line, .is_tuple = true};
  bool comma = false;
  while (!at_tuple_end(end)) {
    tuple.parts.push_back(parse_simple_target(with_namespace));
    if (!skip_operator(",")) break;
    comma = true;
  }
  if (tuple.parts.empty()) fail_expected("a name to assign to");
  return comma ? tuple : std::move(tuple.parts[0]);
}

}  // namespace maru::text::jinja
