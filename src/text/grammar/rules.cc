#include "text/grammar/rules.h"

#include <algorithm>
#include <atomic>
#include <map>

namespace maru::text::grammar {

Rules::Expr Rules::add(Item item) {
  if (items_.size() >= kMaxExpressions) throw TooLarge("the grammar is too large");
  items_.push_back(std::move(item));
  return static_cast<Expr>(items_.size() - 1);
}

Rules::Expr Rules::terminal(std::shared_ptr<const ByteDfa> dfa, Length length) {
  if (dfa->num_states() == 0) return kNever;
  const auto [it, is_new] = dfa_numbers_.try_emplace(dfa.get(), static_cast<uint32_t>(dfas_.size()));
  if (is_new) dfas_.push_back(std::move(dfa));
  return add({.kind = Kind::kTerminal, .symbol = it->second, .min = length.min, .max = length.max});
}

Rules::Expr Rules::literal(std::string_view bytes) {
  if (bytes.empty()) return kNothing;
  auto& dfa = literals_[std::string(bytes)];
  if (!dfa) dfa = std::make_shared<ByteDfa>(dfa_of({symbols_of_bytes(bytes)}));
  return terminal(dfa);
}

Rules::Expr Rules::special_literal(std::string_view bytes) {
  const Expr plain = literal(bytes);
  if (plain == kNothing) return plain;
  Item item = items_[plain];
  item.special = true;
  specials_.emplace_back(bytes);
  return add(std::move(item));
}

Rules::Expr Rules::sequence(std::vector<Expr> parts) {
  std::erase(parts, kNothing);
  if (std::find(parts.begin(), parts.end(), kNever) != parts.end()) return kNever;
  if (parts.empty()) return kNothing;
  if (parts.size() == 1) return parts[0];
  return add({.kind = Kind::kSequence, .parts = std::move(parts)});
}

Rules::Expr Rules::any_of(std::vector<Expr> parts) {
  std::erase(parts, kNever);
  if (parts.empty()) return kNever;
  if (parts.size() == 1) return parts[0];
  return add({.kind = Kind::kAnyOf, .parts = std::move(parts)});
}

Rules::Expr Rules::repeat(Expr part, uint64_t min, uint64_t max) {
  if (max == 0 || part == kNothing) return kNothing;
  if (part == kNever) return min == 0 ? kNothing : kNever;
  if (min == 1 && max == 1) return part;
  if (min == 0 && max == 1) return optional(part);
  return add({.kind = Kind::kRepeat, .parts = {part}, .min = min, .max = max});
}

uint32_t Rules::add_rule() {
  if (bodies_.size() >= kMaxRules) throw TooLarge("the grammar has too many rules");
  bodies_.push_back(kNever);
  return static_cast<uint32_t>(bodies_.size() - 1);
}

Rules::Expr Rules::call(uint32_t rule) { return add({.kind = Kind::kCall, .symbol = rule}); }

/// Finds what can be a text at all and what may be the empty one, then lays out the nodes.
class Lowering {
 public:
  explicit Lowering(Rules& rules) : rules_(rules) {}

  std::shared_ptr<const Grammar> run(Rules::Expr root) {
    const uint32_t start = rules_.add_rule();
    rules_.define(start, root);
    live_ = fixed_point([this](Rules::Expr e, const std::vector<bool>& known) { return is_live(e, known); });
    if (!live_[root]) return nullptr;
    nullable_ = fixed_point([this](Rules::Expr e, const std::vector<bool>& known) { return is_nullable(e, known); });
    made_ = std::make_shared<Grammar>();
    static std::atomic<uint64_t> grammars = 0;
    made_->number_ = ++grammars;
    made_->nodes_.emplace_back();
    const size_t given = rules_.bodies_.size();
    made_->rules_.resize(given);
    for (size_t r = 0; r < given; ++r) lay_out(static_cast<uint32_t>(r), rules_.bodies_[r]);
    made_->root_ = start;
    made_->dfas_ = rules_.dfas_;
    made_->specials_ = rules_.specials_;
    return made_;
  }

 private:
  using Expr = Rules::Expr;
  using Kind = Rules::Kind;

  // What holds for expressions once it holds for what they are made of. Parts have smaller numbers than the whole, so
  // one pass settles all but calls of later rules; from those it spreads to whoever uses them.
  template <class Holds>
  std::vector<bool> fixed_point(const Holds& holds) {
    const auto users = users_of_each();
    std::vector<bool> known(rules_.items_.size(), false);
    std::vector<Expr> fresh;
    for (Expr e = 0; e < known.size(); ++e) {
      if (!holds(e, known)) continue;
      known[e] = true;
      fresh.push_back(e);
    }
    while (!fresh.empty()) {
      const Expr e = fresh.back();
      fresh.pop_back();
      for (const Expr user : users[e]) {
        if (known[user] || !holds(user, known)) continue;
        known[user] = true;
        fresh.push_back(user);
      }
    }
    return known;
  }
  std::vector<std::vector<Expr>> users_of_each() const {
    std::vector<std::vector<Expr>> users(rules_.items_.size());
    for (Expr e = 0; e < rules_.items_.size(); ++e) {
      const Rules::Item& item = rules_.items_[e];
      for (const Expr part : item.parts) users[part].push_back(e);
      if (item.kind == Kind::kCall) users[rules_.bodies_[item.symbol]].push_back(e);
    }
    return users;
  }
  bool is_live(Expr e, const std::vector<bool>& known) const {
    const Rules::Item& item = rules_.items_[e];
    const auto is_known = [&](Expr part) { return known[part]; };
    switch (item.kind) {
      case Kind::kNothing:
      case Kind::kTerminal: return true;
      case Kind::kNever: return false;
      case Kind::kSequence: return std::all_of(item.parts.begin(), item.parts.end(), is_known);
      case Kind::kAnyOf: return std::any_of(item.parts.begin(), item.parts.end(), is_known);
      case Kind::kRepeat: return item.min == 0 || known[item.parts[0]];
      case Kind::kCall: return known[rules_.bodies_[item.symbol]];
    }
    return false;
  }
  bool is_nullable(Expr e, const std::vector<bool>& known) const {
    const Rules::Item& item = rules_.items_[e];
    const auto is_known = [&](Expr part) { return known[part]; };
    switch (item.kind) {
      case Kind::kNothing: return true;
      case Kind::kTerminal:
      case Kind::kNever: return false;
      case Kind::kSequence: return std::all_of(item.parts.begin(), item.parts.end(), is_known);
      case Kind::kAnyOf: return std::any_of(item.parts.begin(), item.parts.end(), is_known);
      case Kind::kRepeat: return item.min == 0 || known[item.parts[0]];
      case Kind::kCall: return known[rules_.bodies_[item.symbol]];
    }
    return false;
  }

  void lay_out(uint32_t rule, Expr body) {
    laid_.clear();
    if (!live_[body]) return;  // never called
    const uint32_t start = lower(body, 0);
    made_->rules_[rule] = {start, nullable_[body]};
  }

  uint32_t add(const Grammar::Node& node) {
    if (made_->nodes_.size() >= 2 * kMaxExpressions) throw TooLarge("the grammar is too large");
    made_->nodes_.push_back(node);
    return static_cast<uint32_t>(made_->nodes_.size() - 1);
  }

  // The node where `e` begins, which goes on at `next`. Shared expressions that go on at one place are laid out once.
  uint32_t lower(Expr e, uint32_t next) {
    const Rules::Item& item = rules_.items_[e];
    if (item.kind == Kind::kNothing) return next;
    const auto [it, is_new] = laid_.try_emplace({e, next}, 0);
    if (!is_new) return it->second;
    const uint32_t at = lower_new(item, next);
    return laid_[{e, next}] = at;
  }
  uint32_t lower_new(const Rules::Item& item, uint32_t next) {
    switch (item.kind) {
      case Kind::kTerminal:
        return add({.kind = Grammar::Kind::kMatch,
                    .special = item.special,
                    .symbol = item.symbol,
                    .next = next,
                    .min_units = item.min,
                    .max_units = item.max});
      case Kind::kCall: return add({.kind = Grammar::Kind::kCall, .symbol = item.symbol, .next = next});
      case Kind::kSequence:
        for (size_t i = item.parts.size(); i-- > 0;) next = lower(item.parts[i], next);
        return next;
      case Kind::kAnyOf: return lower_any_of(item, next);
      case Kind::kRepeat: return lower_repeat(item, next);
      default: return next;
    }
  }
  uint32_t lower_any_of(const Rules::Item& item, uint32_t next) {
    std::vector<uint32_t> targets;
    for (const Expr part : item.parts)
      if (live_[part]) targets.push_back(lower(part, next));
    std::sort(targets.begin(), targets.end());
    targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
    if (targets.size() == 1) return targets[0];
    const auto first = static_cast<uint32_t>(made_->targets_.size());
    made_->targets_.insert(made_->targets_.end(), targets.begin(), targets.end());
    return add({.kind = Grammar::Kind::kSplit, .first = first, .count = static_cast<uint32_t>(targets.size())});
  }
  // Each time counts that takes a byte: where the empty text would do, no time need be counted.
  uint32_t lower_repeat(const Rules::Item& item, uint32_t next) {
    const Expr part = item.parts[0];
    if (!live_[part]) return next;
    const Rules::Item& inner = rules_.items_[part];
    Grammar::Node node{.kind = Grammar::Kind::kCall,
                       .repeats = true,
                       .next = next,
                       .min = nullable_[part] ? 0 : item.min,
                       .max = item.max};
    if (inner.kind == Kind::kTerminal) {
      node.kind = Grammar::Kind::kMatch;
      node.symbol = inner.symbol, node.min_units = inner.min, node.max_units = inner.max;
    } else if (inner.kind == Kind::kCall) {
      node.symbol = inner.symbol;
    } else {
      node.symbol = rule_of(part);
    }
    return add(node);
  }
  uint32_t rule_of(Expr part) {
    const auto [it, is_new] = part_rules_.try_emplace(part, static_cast<uint32_t>(made_->rules_.size()));
    if (!is_new) return it->second;
    const uint32_t rule = it->second;
    made_->rules_.emplace_back();
    auto outer = std::move(laid_);
    lay_out(rule, part);
    laid_ = std::move(outer);
    return rule;
  }

  Rules& rules_;
  std::vector<bool> live_, nullable_;
  std::shared_ptr<Grammar> made_;
  std::map<std::pair<Expr, uint32_t>, uint32_t> laid_;
  std::map<Expr, uint32_t> part_rules_;
};

std::shared_ptr<const Grammar> Rules::finished(Expr root) { return Lowering(*this).run(root); }

}  // namespace maru::text::grammar
