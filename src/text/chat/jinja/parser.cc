#include "text/chat/jinja/parser.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/error.h"
#include "text/chat/jinja/expression_parser.h"

namespace maru::text::jinja {
namespace {

using Ends = std::initializer_list<std::string_view>;

class Parser : ExpressionParser {
 public:
  using ExpressionParser::ExpressionParser;

  Tree run(std::string_view name) {
    Tree tree;
    tree.name = name;
    tree.body = parse_body({});
    tree.blocks = std::move(blocks_);
    tree.marks_generation = marks_generation_;
    return tree;
  }

 private:
  /// Statements up to "{%" and one of `ends`, which stays the current token; to the end of the template if there is
  /// none.
  Body parse_body(Ends ends) {
    const Nested nested(*this);
    Body body;
    while (current().kind != TokenKind::kEnd) {
      if (current().kind != TokenKind::kBlockBegin) {
        body.push_back(parse_output());
        continue;
      }
      next();
      for (const std::string_view end : ends)
        if (current().is_name(end)) return body;
      parse_statement(body, ends);
      expect_block_end();
    }
    if (ends.size() > 0) fail_expected(listed(ends));
    return body;
  }

  static std::string listed(Ends ends) {
    std::string text;
    for (const std::string_view end : ends) text += (text.empty() ? "{% " : " or {% ") + std::string(end) + " %}";
    return text;
  }

  void expect_block_end() {
    if (current().kind != TokenKind::kBlockEnd) fail_expected("%}");
    next();
  }

  /// "%}", the statements, and the end tag if there is but one.
  Body parse_block(Ends ends) {
    skip_operator(":");
    expect_block_end();
    Body body = parse_body(ends);
    if (ends.size() == 1) next();
    return body;
  }

  Statement parse_output() {
    OutputStatement output;
    const int line = current().line;
    while (current().kind == TokenKind::kData || current().kind == TokenKind::kPrintBegin) {
      const Token token = next();
      if (token.kind == TokenKind::kData) {
        output.parts.push_back(text_of(token));
        continue;
      }
      output.parts.push_back(parse_tuple());
      if (current().kind != TokenKind::kPrintEnd) fail_expected("}}");
      next();
    }
    if (output.parts.empty()) fail_expected("text or a tag");
    return {line, std::move(output)};
  }

  ExprPtr text_of(const Token& token) const {
    auto data = std::make_shared<StringData>();
    data->text = MarkedText::own(token.text);
    return make(token.line, Constant{Value(Kind::kString, std::move(data))});
  }

  void parse_statement(Body& body, Ends ends) {
    using Method = StatementNode (Parser::*)();
    static constexpr std::array<std::pair<std::string_view, Method>, 13> kStatements{{
        {"for", &Parser::parse_for},
        {"if", &Parser::parse_if},
        {"set", &Parser::parse_set},
        {"macro", &Parser::parse_macro},
        {"call", &Parser::parse_call_block},
        {"filter", &Parser::parse_filter_block},
        {"with", &Parser::parse_with},
        {"print", &Parser::parse_print},
        {"generation", &Parser::parse_generation},
        {"block", &Parser::parse_named_block},
        {"break", &Parser::parse_break},
        {"continue", &Parser::parse_continue},
        {"autoescape", &Parser::parse_autoescape},
    }};
    const int line = current().line;
    if (current().kind != TokenKind::kName) fail_expected("the name of a tag");
    for (const auto& [name, method] : kStatements) {
      if (!current().is_name(name)) continue;
      next();
      body.push_back({line, (this->*method)()});
      return;
    }
    refuse_tag(ends);
  }

  [[noreturn]] void refuse_tag(Ends ends) const {
    const std::string name = current().text;
    constexpr std::array<std::string_view, 4> kOther{"include", "import", "from", "extends"};
    if (std::find(kOther.begin(), kOther.end(), name) != kOther.end())
      refuse("{% " + name + " %}: there are no other templates that a chat template could use");
    fail("unknown tag {% " + name + " %}" + (ends.size() > 0 ? "; expected " + listed(ends) : ""));
  }

  StatementNode parse_for() {
    ForStatement loop;
    loop.target = parse_target(false, "in");
    expect_keyword("in");
    loop.iterable = parse_tuple(false, "recursive");
    if (skip_name("if")) loop.filter = parse_expression();
    loop.recursive = skip_name("recursive");
    ++loops_;
    loop.body = parse_block({"endfor", "else"});
    --loops_;
    if (next().text == "else") loop.otherwise = parse_block({"endfor"});
    return loop;
  }

  StatementNode parse_if() {
    IfStatement statement;
    do {
      ExprPtr test = parse_tuple(false);
      statement.branches.emplace_back(std::move(test), parse_block({"elif", "else", "endif"}));
    } while (skip_name("elif"));
    if (next().text == "else") statement.otherwise = parse_block({"endif"});
    return statement;
  }

  StatementNode parse_set() {
    Target target = parse_target(true);
    if (skip_operator("=")) return SetStatement{std::move(target), parse_tuple()};
    ExprPtr filter = parse_filters(nullptr);
    return SetBlockStatement{std::move(target), std::move(filter), parse_block({"endset"})};
  }

  void parse_signature(Signature& signature) {
    expect_operator("(");
    while (!current().is_operator(")")) {
      if (!signature.parameters.empty()) expect_operator(",");
      signature.parameters.push_back(expect_name());
      if (skip_operator("="))
        signature.defaults.push_back(parse_expression());
      else if (!signature.defaults.empty())
        fail("a parameter without a default cannot follow one with a default");
    }
    expect_operator(")");
  }

  /// The body of a macro; notes which of the special names it uses.
  Body parse_macro_body(Signature& signature, std::string_view end) {
    const size_t from = position();
    const int loops = std::exchange(loops_, 0);
    Body body = parse_block({end});
    loops_ = loops;
    const auto uses = [&](std::string_view name) {
      const auto& p = signature.parameters;
      return std::find(p.begin(), p.end(), name) == p.end() && names_token(name, from, position());
    };
    signature.uses_varargs = uses("varargs");
    signature.uses_kwargs = uses("kwargs");
    signature.uses_caller = uses("caller");
    return body;
  }

  StatementNode parse_macro() {
    MacroStatement macro;
    macro.signature.name = expect_name();
    parse_signature(macro.signature);
    macro.body = parse_macro_body(macro.signature, "endmacro");
    return macro;
  }

  StatementNode parse_call_block() {
    CallStatement call;
    call.signature.name = "caller";
    if (current().is_operator("(")) parse_signature(call.signature);
    call.call = parse_expression();
    if (!std::holds_alternative<CallExpr>(call.call->node)) fail("expected a call in {% call %}", call.call->line);
    call.body = parse_macro_body(call.signature, "endcall");
    return call;
  }

  StatementNode parse_filter_block() {
    ExprPtr filter = parse_filters(nullptr, true);
    return FilterStatement{std::move(filter), parse_block({"endfilter"})};
  }

  StatementNode parse_with() {
    WithStatement with;
    while (current().kind != TokenKind::kBlockEnd) {
      if (!with.targets.empty()) expect_operator(",");
      with.targets.push_back(parse_target(false));
      expect_operator("=");
      with.values.push_back(parse_expression());
    }
    with.body = parse_block({"endwith"});
    return with;
  }

  StatementNode parse_print() {
    OutputStatement output;
    while (current().kind != TokenKind::kBlockEnd) {
      if (!output.parts.empty()) expect_operator(",");
      output.parts.push_back(parse_expression());
    }
    return output;
  }

  StatementNode parse_generation() {
    marks_generation_ = true;
    const int loops = std::exchange(loops_, 0);
    GenerationStatement generation{parse_block({"endgeneration"})};
    loops_ = loops;
    return generation;
  }

  StatementNode parse_named_block() {
    BlockStatement block;
    const std::string name = expect_name();
    block.scoped = skip_name("scoped");
    if (skip_name("required")) fail("a required block needs another template that fills it");
    if (!block_names_.insert(name).second) fail("the block '" + name + "' is defined twice");
    const int loops = std::exchange(loops_, 0);
    block.body = std::make_shared<const Body>(parse_block({"endblock"}));
    loops_ = loops;
    skip_name(name);
    blocks_.emplace_back(name, block.body);
    return block;
  }

  StatementNode parse_break() { return require_loop("break"), BreakStatement{}; }
  StatementNode parse_continue() { return require_loop("continue"), ContinueStatement{}; }

  void require_loop(std::string_view tag) const {
    if (loops_ == 0) fail("{% " + std::string(tag) + " %} outside of a loop");
  }

  StatementNode parse_autoescape() { refuse("{% autoescape %} is not supported: chat templates make plain text"); }

  int loops_ = 0;  // around the current statement, within the macro
  bool marks_generation_ = false;
  std::set<std::string> block_names_;
  std::vector<std::pair<std::string, std::shared_ptr<const Body>>> blocks_;
};

}  // namespace

Tree parse_template(std::string_view source, std::string_view name) {
  if (source.size() > Limits::kSourceBytes)
    throw Failure(ErrorCode::kExhausted, std::string(name) + ": expected a template of at most 1 MiB");
  return Parser(tokenize(source, name), name).run(name);
}

}  // namespace maru::text::jinja
