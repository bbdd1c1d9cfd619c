#include "text/grammar/regular.h"

#include <utility>

#include "base/utf8.h"


namespace maru::text::grammar {

Regular::Node Regular::add(Item item) {
  items_.push_back(std::move(item));
  return static_cast<Node>(items_.size() - 1);
}

Regular::Node Regular::empty() { return add({}); }
Regular::Node Regular::chars(CodePoints set) { return add({.kind = Kind::kChars, .set = std::move(set)}); }
Regular::Node Regular::at_start() { return add({.kind = Kind::kAtStart}); }
Regular::Node Regular::at_end() { return add({.kind = Kind::kAtEnd}); }

Regular::Node Regular::literal(std::string_view utf8) {
  std::vector<Node> parts;
  for (const char *p = utf8.data(), *end = p + utf8.size(); p < end;) {
    const Decoded c = decode_utf8(p, end);
    parts.push_back(chars(one_code_point(c.code_point)));
    p += c.length;
  }
  return sequence(std::move(parts));
}

Regular::Node Regular::sequence(std::vector<Node> parts) {
  if (parts.size() == 1) return parts[0];
  return add({.kind = Kind::kSequence, .parts = std::move(parts)});
}

Regular::Node Regular::any_of(std::vector<Node> parts) {
  if (parts.size() == 1) return parts[0];
  return add({.kind = Kind::kAnyOf, .parts = std::move(parts)});
}

Regular::Node Regular::repeat(Node part, uint64_t min, uint64_t max) {
  return add({.kind = Kind::kRepeat, .parts = {part}, .min = min, .max = max});
}

Regular::Node Regular::searched(Node part) {
  const Node any = repeat(chars(all_code_points()), 0, kUnbounded);
  return sequence({any, part, any});
}

/// Thompson's construction; depth is bounded by what parsers admit.
struct Regular::Building {
  explicit Building(const Regular& of) : tree(of) {}
  const Regular& tree;
  Nfa nfa;

  // From `from` to the state returned; false: too large.
  bool build(Node node, uint32_t from, uint32_t& to) {
    if (nfa.states.size() > kMaxNfaStates) return false;
    const Item& item = tree.items_[node];
    switch (item.kind) {
      case Kind::kEmpty: to = from; return true;
      case Kind::kChars:
        to = nfa.add();
        for (const CodePointRange& r : item.set) nfa.link(from, r.low, r.high, to);
        edges_ += item.set.size();
        return edges_ <= kMaxDfaWork / 4;
      case Kind::kSequence:
        to = from;
        for (const Node part : item.parts)
          if (!build(part, to, to)) return false;
        return true;
      case Kind::kAnyOf: return build_any_of(item, from, to);
      case Kind::kRepeat: return build_repeat(item, from, to);
      case Kind::kAtStart: to = nfa.add(), nfa.link(from, to, Nfa::When::kAtStart); return true;
      case Kind::kAtEnd: to = nfa.add(), nfa.link(from, to, Nfa::When::kAtEnd); return true;
    }
    return false;
  }

  bool build_any_of(const Item& item, uint32_t from, uint32_t& to) {
    const uint32_t end = nfa.add();
    for (const Node part : item.parts) {
      const uint32_t begin = nfa.add();
      nfa.link(from, begin);
      uint32_t behind = begin;
      if (!build(part, begin, behind)) return false;
      nfa.link(behind, end);
    }
    to = end;
    return true;
  }

  bool build_repeat(const Item& item, uint32_t from, uint32_t& to) {
    uint32_t at = from;
    for (uint64_t i = 0; i < item.min; ++i) {
      const size_t before = nfa.states.size();
      if (!build(item.parts[0], at, at)) return false;
      if (nfa.states.size() == before) break;  // the empty text, however often
    }
    if (item.max == kUnbounded) {
      const uint32_t loop = nfa.add();
      nfa.link(at, loop);
      uint32_t behind = loop;
      if (!build(item.parts[0], loop, behind)) return false;
      nfa.link(behind, loop);
      to = nfa.add();
      nfa.link(loop, to);
      return true;
    }
    const uint32_t end = nfa.add();
    nfa.link(at, end);
    for (uint64_t i = item.min; i < item.max; ++i) {
      const uint32_t begin = nfa.add();
      nfa.link(at, begin);
      if (!build(item.parts[0], begin, at)) return false;
      nfa.link(at, end);
    }
    to = end;
    return true;
  }

 private:
  size_t edges_ = 0;
};

std::optional<Nfa> Regular::nfa(Node root) const {
  Building building(*this);
  building.nfa.start = building.nfa.add();
  if (!building.build(root, building.nfa.start, building.nfa.final)) return std::nullopt;
  const uint32_t end = building.nfa.add();  // nothing leads on from it
  building.nfa.link(building.nfa.final, end);
  building.nfa.final = end;
  return std::move(building.nfa);
}

std::optional<Dfa> Regular::dfa(Node root, Work& work, size_t max_states) const {
  const auto made = nfa(root);
  if (!made) return std::nullopt;
  return determinised(*made, work, max_states);
}

}  // namespace maru::text::grammar
