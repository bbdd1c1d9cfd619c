// A parsed grammar as rules. What is regular in it becomes automata, as large as they fit; the rest calls.
#pragma once
#include <optional>
#include <vector>

#include "text/grammar/gbnf_parser.h"
#include "text/grammar/rules.h"

namespace maru::text::grammar {

/// Not thread-safe.
class GbnfCompiler {
 public:
  /// Both must outlive it.
  GbnfCompiler(Gbnf& parsed, Rules& rules) : parsed_(parsed), rules_(rules) {}
  Rules::Expr run();

 private:
  using Expr = Rules::Expr;
  void find_heights();
  bool is_regular(uint32_t node) const;
  size_t height_of(uint32_t node) const;
  Regular::Node regular(uint32_t node);
  std::optional<Expr> automaton(Regular::Node node);
  Expr lower(uint32_t node);
  Expr lower_parts(const Gbnf::Node& node);
  Expr lower_run(const std::vector<uint32_t>& parts, bool in_sequence);
  Expr call(uint32_t rule);

  Gbnf& parsed_;
  Rules& rules_;
  Work work_;
  std::vector<std::vector<uint32_t>> calls_;  // by rule: which it calls
  std::vector<size_t> heights_;               // by rule: of its tree with those it calls; 0: it leads to itself
  std::vector<std::optional<Regular::Node>> regular_rules_;
  std::vector<std::optional<uint32_t>> numbers_;
  std::vector<uint32_t> open_;
};

}  // namespace maru::text::grammar
