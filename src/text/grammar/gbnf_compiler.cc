#include "text/grammar/gbnf_compiler.h"

#include <algorithm>
#include <set>

namespace maru::text::grammar {
namespace {

constexpr size_t kMaxHeight = 400;  // of trees that are walked by recursion
constexpr size_t kFewNfaStates = 6000, kFewDfaStates = 2000;

}  // namespace

Rules::Expr GbnfCompiler::run() {
  find_heights();
  regular_rules_.resize(parsed_.rules.size());
  numbers_.resize(parsed_.rules.size());
  const Expr root = call(parsed_.root);
  while (!open_.empty()) {
    const uint32_t rule = open_.back();
    open_.pop_back();
    rules_.define(*numbers_[rule], lower(parsed_.rules[rule]));
  }
  return root;
}

// From rules that call none upwards; those that lead to themselves are never reached.
void GbnfCompiler::find_heights() {
  const size_t n = parsed_.rules.size();
  heights_.assign(n, 0);
  calls_.resize(n);
  std::vector<std::vector<uint32_t>> callers(n);
  std::vector<size_t> waiting(n);
  std::vector<uint32_t> ready;
  for (uint32_t rule = 0; rule < n; ++rule) {
    std::set<uint32_t> called;
    std::vector<uint32_t> open{parsed_.rules[rule]};
    while (!open.empty()) {
      const Gbnf::Node& node = parsed_.nodes[open.back()];
      open.pop_back();
      if (node.kind == Gbnf::Kind::kRule) called.insert(node.rule);
      open.insert(open.end(), node.parts.begin(), node.parts.end());
    }
    for (const uint32_t other : called) callers[other].push_back(rule);
    calls_[rule].assign(called.begin(), called.end());
    waiting[rule] = called.size();
    if (called.empty()) ready.push_back(rule);
  }
  while (!ready.empty()) {
    const uint32_t rule = ready.back();
    ready.pop_back();
    size_t below = 0;
    for (const uint32_t other : calls_[rule]) below = std::max(below, heights_[other]);
    heights_[rule] = below + parsed_.nodes[parsed_.rules[rule]].depth;
    for (const uint32_t caller : callers[rule])
      if (--waiting[caller] == 0) ready.push_back(caller);
  }
}

bool GbnfCompiler::is_regular(uint32_t at) const {
  const Gbnf::Node& node = parsed_.nodes[at];
  if (node.kind == Gbnf::Kind::kRule) return heights_[node.rule] > 0 && heights_[node.rule] <= kMaxHeight;
  return std::all_of(node.parts.begin(), node.parts.end(), [this](uint32_t part) { return is_regular(part); });
}

Regular::Node GbnfCompiler::regular(uint32_t at) {
  const Gbnf::Node node = parsed_.nodes[at];
  if (node.kind == Gbnf::Kind::kText) return node.text;
  if (node.kind == Gbnf::Kind::kRule) {
    auto& known = regular_rules_[node.rule];
    if (!known) known = regular(parsed_.rules[node.rule]);
    return *known;
  }
  std::vector<Regular::Node> parts;
  for (const uint32_t part : node.parts) parts.push_back(regular(part));
  if (node.kind == Gbnf::Kind::kRepeat) return parsed_.tree.repeat(parts[0], node.min, node.max);
  return node.kind == Gbnf::Kind::kAnyOf ? parsed_.tree.any_of(std::move(parts))
                                         : parsed_.tree.sequence(std::move(parts));
}

// None: it is too large for one.
std::optional<Rules::Expr> GbnfCompiler::automaton(Regular::Node node) {
  const auto nfa = parsed_.tree.nfa(node);
  if (!nfa || nfa->states.size() > kFewNfaStates) return std::nullopt;
  const auto characters = determinised(*nfa, work_, kFewDfaStates);
  const auto bytes = characters ? over_bytes(*characters, Encoding::kUtf8, "", "", work_) : std::nullopt;
  if (!bytes) return std::nullopt;
  if (bytes->empty()) return rules_.never();
  const auto dfa = std::make_shared<ByteDfa>(*bytes);
  if (!dfa->goes_on(0)) return rules_.nothing();
  return dfa->accepts(0) ? rules_.optional(rules_.terminal(dfa)) : rules_.terminal(dfa);
}

Rules::Expr GbnfCompiler::lower(uint32_t at) {
  if (is_regular(at))
    if (const auto whole = automaton(regular(at))) return *whole;
  const Gbnf::Node node = parsed_.nodes[at];
  switch (node.kind) {
    case Gbnf::Kind::kRule: return call(node.rule);
    case Gbnf::Kind::kRepeat: return rules_.repeat(lower(node.parts[0]), node.min, node.max);
    case Gbnf::Kind::kText: throw TooLarge("a text or class of the grammar is too large to follow");
    default: return lower_parts(node);
  }
}

// Neighbours that are regular become one automaton, if that fits.
Rules::Expr GbnfCompiler::lower_parts(const Gbnf::Node& node) {
  const bool in_sequence = node.kind == Gbnf::Kind::kSequence;
  std::vector<uint32_t> parts = node.parts;
  if (!in_sequence)  // their order says nothing
    std::stable_partition(parts.begin(), parts.end(), [this](uint32_t part) { return is_regular(part); });
  std::vector<Expr> made;
  for (size_t i = 0; i < parts.size();) {
    std::vector<uint32_t> run;
    while (i < parts.size() && is_regular(parts[i])) run.push_back(parts[i++]);
    if (run.size() == parts.size())  // all of it: that was tried, and did not fit
      for (const uint32_t part : run) made.push_back(lower(part));
    else if (!run.empty())
      made.push_back(lower_run(run, in_sequence));
    if (i < parts.size()) made.push_back(lower(parts[i++]));
  }
  return in_sequence ? rules_.sequence(std::move(made)) : rules_.any_of(std::move(made));
}

Rules::Expr GbnfCompiler::lower_run(const std::vector<uint32_t>& parts, bool in_sequence) {
  std::vector<Regular::Node> nodes;
  for (const uint32_t part : parts) nodes.push_back(regular(part));
  const Regular::Node whole =
      in_sequence ? parsed_.tree.sequence(std::move(nodes)) : parsed_.tree.any_of(std::move(nodes));
  if (const auto made = automaton(whole)) return *made;
  std::vector<Expr> made;
  for (const uint32_t part : parts) made.push_back(lower(part));
  return in_sequence ? rules_.sequence(std::move(made)) : rules_.any_of(std::move(made));
}

Rules::Expr GbnfCompiler::call(uint32_t rule) {
  if (!numbers_[rule]) {
    numbers_[rule] = rules_.add_rule();
    open_.push_back(rule);
  }
  return rules_.call(*numbers_[rule]);
}

}  // namespace maru::text::grammar
