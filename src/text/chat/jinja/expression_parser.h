// The half of the parser that reads expressions. Internal to the module.
#pragma once
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "text/chat/jinja/ast.h"
#include "text/chat/jinja/lexer.h"

namespace maru::text::jinja {

class ExpressionParser {
 public:
  ExpressionParser(std::vector<Token> tokens, std::string_view name) : tokens_(std::move(tokens)), name_(name) {}

 protected:
  const Token& current() const { return tokens_[at_]; }
  const Token& look() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  Token next();
  size_t position() const { return at_; }
  /// Whether a token in [from, to) is that name.
  bool names_token(std::string_view name, size_t from, size_t to) const;
  bool skip_operator(std::string_view op);
  bool skip_name(std::string_view name);
  void expect_operator(std::string_view op);
  std::string expect_name();
  void expect_keyword(std::string_view name);
  [[noreturn]] void fail(const std::string& message, int line = 0) const;
  /// Throws kUnimplemented.
  [[noreturn]] void refuse(const std::string& message) const;
  [[noreturn]] void fail_expected(const std::string& what) const;

  ExprPtr parse_expression(bool with_conditional = true);
  /// Expressions with commas between them become a tuple. `end` is a name that may stand behind.
  ExprPtr parse_tuple(bool with_conditional = true, std::string_view end = "", bool parentheses = false);
  /// |name(…)|… on `value`; with `inline_first` the first name stands without its bar.
  ExprPtr parse_filters(ExprPtr value, bool inline_first = false);
  Target parse_target(bool with_namespace, std::string_view end = "");
  ExprPtr make(int line, ExprNode node) const;

  /// Bounds the recursion of the parser.
  class Nested {
   public:
    explicit Nested(ExpressionParser& parser) : parser_(parser) {
      if (++parser_.depth_ > Limits::kSyntaxDepth) parser_.fail("nested too deeply");
    }
    ~Nested() { --parser_.depth_; }
    Nested(const Nested&) = delete;

   private:
    ExpressionParser& parser_;
  };

 private:
  ExprPtr parse_conditional();
  ExprPtr parse_or();
  ExprPtr parse_and();
  ExprPtr parse_not();
  ExprPtr parse_compare();
  ExprPtr parse_sum();
  ExprPtr parse_concat();
  ExprPtr parse_product();
  ExprPtr parse_power();
  ExprPtr parse_unary(bool with_filters = true);
  ExprPtr parse_primary();
  ExprPtr parse_name();
  ExprPtr parse_strings();
  ExprPtr parse_number();
  ExprPtr parse_list();
  ExprPtr parse_dict();
  ExprPtr parse_postfix(ExprPtr value);
  ExprPtr parse_filters_and_tests(ExprPtr value);
  ExprPtr parse_attribute(ExprPtr object);
  ExprPtr parse_item(ExprPtr object);
  ExprPtr parse_index();
  ExprPtr parse_call(ExprPtr callee);
  Arguments parse_arguments();
  void parse_argument(Arguments& arguments);
  ExprPtr parse_test(ExprPtr value);
  std::string parse_dotted_name();
  bool at_tuple_end(std::string_view end) const;
  Target parse_simple_target(bool with_namespace);

  const std::vector<Token> tokens_;
  const std::string name_;
  size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace maru::text::jinja
