// Runs a syntax tree. Internal to the module. One render, one thread.
#pragma once
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "text/chat/jinja/ast.h"
#include "text/chat/jinja/objects.h"

namespace maru::text::jinja {

/// Variables of one block, and what surrounds it. Names live in the tree or the runtime's caller.
struct Scope {
  Scope* parent = nullptr;
  std::vector<std::pair<std::string_view, Value>> variables;
  bool captured = false;  // a macro may still look here
};

class Interpreter {
 public:
  Interpreter(const Tree& tree, Runtime& runtime);
  ~Interpreter();
  /// A variable of the whole template; `name` must outlive the render.
  void set_global(std::string_view name, Value value);
  MarkedText run();

 private:
  friend class Macro;
  friend class BlockReference;
  friend class SelfReference;
  enum class Flow : uint8_t { kNormal, kBreak, kContinue };
  /// A scope for as long as a block runs.
  class Entered {
   public:
    Entered(Interpreter& interpreter, Scope* parent);
    ~Entered();
    Entered(const Entered&) = delete;

   private:
    Interpreter& interpreter_;
    Scope* const outer_;
  };
  /// Output goes to a text of its own for as long as this lives.
  class Captured {
   public:
    explicit Captured(Interpreter& interpreter);
    ~Captured();
    Captured(const Captured&) = delete;
    MarkedText take() { return text_.take(); }

   private:
    Interpreter& interpreter_;
    TextBuilder text_;
    TextBuilder* const outer_;
  };

  Flow run(const Body& body);
  Flow run(const Statement& statement);
  Flow exec(const OutputStatement& s);
  Flow exec(const IfStatement& s);
  Flow exec(const ForStatement& s);
  Flow exec(const SetStatement& s);
  Flow exec(const SetBlockStatement& s);
  Flow exec(const MacroStatement& s);
  Flow exec(const CallStatement& s);
  Flow exec(const FilterStatement& s);
  Flow exec(const WithStatement& s);
  Flow exec(const GenerationStatement& s);
  Flow exec(const BlockStatement& s);
  static Flow exec(const BreakStatement&) { return Flow::kBreak; }
  static Flow exec(const ContinueStatement&) { return Flow::kContinue; }
  Flow run_loop(const ForStatement& s, const Value& iterable, int64_t depth, Scope* parent);
  LoopObject::Filter filter_of(const ForStatement& s, Scope* parent);
  LoopObject::Recurse recurse_of(const ForStatement& s, Scope* parent);
  Value filtered(const Expr& filters, MarkedText text);

  Value eval(const Expr& expr);
  Value eval(const Constant& e) { return e.value; }
  Value eval(const Name& e);
  Value eval(const ListDisplay& e);
  Value eval(const TupleDisplay& e);
  Value eval(const DictDisplay& e);
  Value eval(const AttributeExpr& e);
  Value eval(const ItemExpr& e);
  Value eval(const SliceExpr& e);
  Value eval(const CallExpr& e) { return call(e, nullptr); }
  Value eval(const FilterExpr& e);
  Value eval(const TestExpr& e);
  Value eval(const UnaryExpr& e);
  Value eval(const BinaryExpr& e);
  Value eval(const LogicalExpr& e);
  Value eval(const CompareExpr& e);
  Value eval(const ConcatExpr& e);
  Value eval(const ConditionalExpr& e);
  bool compare(CompareOp op, const Value& a, const Value& b);
  Value call(const CallExpr& e, const Value* caller);
  void add_arguments(const Arguments& arguments, Call& call);
  Values eval_all(const Exprs& exprs);

  Value look_up(std::string_view name);
  void assign(const Target& target, const Value& value);
  void assign_name(std::string_view name, const Value& value);
  Value make_macro(const Signature& signature, const Body& body);
  Value call_macro(const Signature& signature, const Body& body, Scope* closure, Call& call);
  void bind_parameters(const Signature& signature, Call& call);
  void add_environment();
  /// Null: the template has no block of that name.
  const Body* block_named(std::string_view name) const;
  Value render_block(const Body& body);
  /// A macro is made: the scopes around it stay, and their bytes count until the render ends.
  void capture(Scope* innermost);

  Scope* new_scope(Scope* parent);
  void leave(Scope* scope);

  const Tree& tree_;
  Runtime& runtime_;
  std::vector<std::unique_ptr<Scope>> scopes_;  // in use, innermost last
  std::vector<std::unique_ptr<Scope>> kept_;    // those that macros look into
  const std::shared_ptr<Heap> kept_bytes_ = std::make_shared<Heap>();
  Scope globals_;
  Scope* scope_ = &globals_;
  Scope* template_scope_ = nullptr;
  TextBuilder* out_ = nullptr;
  const Value* block_text_ = nullptr;  // what a chain of filters without a value begins with
};

}  // namespace maru::text::jinja
