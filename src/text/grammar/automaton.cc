#include "text/grammar/automaton.h"

#include <algorithm>
#include <map>
#include <string>
#include <unordered_map>

namespace maru::text::grammar {
namespace {

using StateSet = std::vector<uint32_t>;
constexpr uint32_t kNone = UINT32_MAX;

// Drops the states that reach no accepting one, and the edges to them.
Dfa trimmed(Dfa dfa) {
  const size_t n = dfa.states.size();
  std::vector<std::vector<uint32_t>> before(n);
  for (uint32_t s = 0; s < n; ++s)
    for (const Dfa::Edge& e : dfa.states[s].edges) before[e.to].push_back(s);
  std::vector<uint32_t> number(n, kNone), open;
  for (uint32_t s = 0; s < n; ++s)
    if (dfa.states[s].accepts) number[s] = 0, open.push_back(s);
  while (!open.empty()) {
    const uint32_t s = open.back();
    open.pop_back();
    for (const uint32_t b : before[s])
      if (number[b] == kNone) number[b] = 0, open.push_back(b);
  }
  if (n == 0 || number[0] == kNone) return {};
  uint32_t count = 0;
  for (uint32_t& k : number)
    if (k != kNone) k = count++;
  Dfa kept;
  for (uint32_t s = 0; s < n; ++s) {
    if (number[s] == kNone) continue;
    Dfa::State& state = dfa.states[s];
    std::erase_if(state.edges, [&](const Dfa::Edge& e) { return number[e.to] == kNone; });
    for (Dfa::Edge& e : state.edges) e.to = number[e.to];
    kept.states.push_back(std::move(state));
  }
  return kept;
}

void add_edge(std::vector<Dfa::Edge>& edges, const Dfa::Edge& edge) {
  if (!edges.empty() && edges.back().to == edge.to && edges.back().high + 1 == edge.low)
    edges.back().high = edge.high;
  else
    edges.push_back(edge);
}

class Subsets {
 public:
  Subsets(const Nfa& nfa, Work& work, size_t max_states)
      : nfa_(nfa), work_(work), max_states_(max_states), mark_(nfa.states.size(), 0) {}

  std::optional<Dfa> run() {
    StateSet start = closed({nfa_.start}, true, false);
    const bool accepts = has_final(closed(start, true, true));
    // The start alone may pass what holds at the start of a text, so no other set may be the same state.
    dfa_.states.push_back({{}, accepts});
    sets_.push_back(std::move(start));
    for (size_t s = 0; s < sets_.size(); ++s)
      if (!expand(s)) return std::nullopt;
    return trimmed(std::move(dfa_));
  }

 private:
  StateSet closed(StateSet set, bool at_start, bool at_end) {
    ++epoch_;
    for (const uint32_t s : set) mark_[s] = epoch_;
    for (size_t i = 0; i < set.size(); ++i) {
      spent_ += nfa_.states[set[i]].free.size() + 1;
      for (const Nfa::Free& free : nfa_.states[set[i]].free) {
        const bool open = free.when == Nfa::When::kAlways || (free.when == Nfa::When::kAtStart ? at_start : at_end);
        if (!open || mark_[free.to] == epoch_) continue;
        mark_[free.to] = epoch_;
        set.push_back(free.to);
      }
    }
    // What only led here says nothing of what may follow: without it, more sets are equal.
    std::erase_if(set, [this](uint32_t s) { return passes_only(s); });
    std::sort(set.begin(), set.end());
    return set;
  }
  bool passes_only(uint32_t s) const {
    const Nfa::State& state = nfa_.states[s];
    const auto waits = [](const Nfa::Free& free) { return free.when == Nfa::When::kAtEnd; };
    return s != nfa_.final && state.edges.empty() && std::none_of(state.free.begin(), state.free.end(), waits);
  }
  bool has_final(const StateSet& set) const { return std::binary_search(set.begin(), set.end(), nfa_.final); }

  std::optional<uint32_t> state_of(StateSet targets) {
    StateSet set = closed(std::move(targets), false, false);
    std::string key(reinterpret_cast<const char*>(set.data()), set.size() * sizeof(uint32_t));
    const auto [it, is_new] = numbers_.try_emplace(std::move(key), static_cast<uint32_t>(sets_.size()));
    if (is_new) {
      if (sets_.size() >= max_states_) return std::nullopt;
      dfa_.states.push_back({{}, has_final(closed(set, false, true))});
      sets_.push_back(std::move(set));
    }
    return it->second;
  }

  // Cuts the edges of a set where any of them begins or ends.
  bool expand(size_t s) {
    std::vector<Nfa::Edge> edges;
    for (const uint32_t state : sets_[s])
      edges.insert(edges.end(), nfa_.states[state].edges.begin(), nfa_.states[state].edges.end());
    std::sort(edges.begin(), edges.end(), [](const auto& a, const auto& b) { return a.low < b.low; });
    std::vector<uint32_t> cuts;
    for (const Nfa::Edge& e : edges) cuts.push_back(e.low), cuts.push_back(e.high + 1);
    std::sort(cuts.begin(), cuts.end());
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
    std::vector<Nfa::Edge> active;
    size_t next = 0;
    for (size_t c = 0; c + 1 < cuts.size(); ++c) {
      std::erase_if(active, [&](const Nfa::Edge& e) { return e.high < cuts[c]; });
      for (; next < edges.size() && edges[next].low == cuts[c]; ++next) active.push_back(edges[next]);
      spent_ += active.size() + 1;
      if (!within_bounds()) return false;
      if (active.empty()) continue;
      StateSet targets;
      for (const Nfa::Edge& e : active) targets.push_back(e.to);
      std::sort(targets.begin(), targets.end());
      targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
      const auto to = state_of(std::move(targets));
      if (!to) return false;
      add_edge(dfa_.states[s].edges, {cuts[c], cuts[c + 1] - 1, *to});
    }
    return within_bounds();
  }
  bool within_bounds() {
    total_ += spent_;
    const bool left = work_.spend(spent_) && total_ <= kMaxDfaWork;
    spent_ = 0;
    return left;
  }

  const Nfa& nfa_;
  Work& work_;
  size_t max_states_, spent_ = 0, total_ = 0;
  std::vector<uint32_t> mark_;
  uint32_t epoch_ = 0;
  Dfa dfa_;
  std::vector<StateSet> sets_;
  std::unordered_map<std::string, uint32_t> numbers_;
};

/// States of a product, numbered as they are met.
template <class Pair>
class Pairs {
 public:
  std::optional<uint32_t> number(const Pair& pair) {
    const auto [it, is_new] = numbers_.try_emplace(pair, static_cast<uint32_t>(list.size()));
    if (is_new && list.size() >= kMaxDfaStates) return std::nullopt;
    if (is_new) list.push_back(pair);
    return it->second;
  }
  std::vector<Pair> list;

 private:
  std::map<Pair, uint32_t> numbers_;
};

/// Calls back with every piece of `edges` and the state behind it in `others`, kNone where there is none.
template <class Piece>
bool cut_by(const std::vector<Dfa::Edge>& edges, const std::vector<Dfa::Edge>& others, const Piece& piece) {
  size_t at = 0;
  for (const Dfa::Edge& e : edges) {
    uint32_t low = e.low;
    while (at < others.size() && others[at].high < low) ++at;
    for (size_t i = at; low <= e.high; ++i) {
      const bool none = i >= others.size() || others[i].low > e.high;
      if (none) {
        if (!piece(low, e.high, e.to, kNone)) return false;
        break;
      }
      if (others[i].low > low && !piece(low, others[i].low - 1, e.to, kNone)) return false;
      const uint32_t high = std::min(e.high, others[i].high);
      if (!piece(std::max(low, others[i].low), high, e.to, others[i].to)) return false;
      low = high + 1;
    }
  }
  return true;
}

}  // namespace

std::optional<Dfa> determinised(const Nfa& nfa, Work& work, size_t max_states) {
  return Subsets(nfa, work, max_states).run();
}

std::optional<Dfa> product(const Dfa& a, const Dfa& b, bool minus, Work& work) {
  if (a.empty()) return a;
  if (b.empty()) return minus ? a : b;
  Pairs<std::pair<uint32_t, uint32_t>> pairs;
  (void)pairs.number({0, 0});
  Dfa made;
  static const std::vector<Dfa::Edge> kNoEdges;
  for (size_t s = 0; s < pairs.list.size(); ++s) {
    const auto [x, y] = pairs.list[s];
    const bool in_b = y != kNone && b.states[y].accepts;
    Dfa::State state{{}, a.states[x].accepts && in_b != minus};
    const auto& others = y == kNone ? kNoEdges : b.states[y].edges;
    if (!work.spend(a.states[x].edges.size() + others.size() + 1)) return std::nullopt;
    const bool fits = cut_by(a.states[x].edges, others, [&](uint32_t low, uint32_t high, uint32_t to, uint32_t other) {
      if (other == kNone && !minus) return true;
      const auto number = pairs.number({to, other});
      if (number) add_edge(state.edges, {low, high, *number});
      return number.has_value();
    });
    if (!fits) return std::nullopt;
    made.states.push_back(std::move(state));
  }
  return trimmed(std::move(made));
}

std::optional<Dfa> with_length(const Dfa& a, uint64_t min, uint64_t max, Work& work) {
  if (a.empty() || (min == 0 && max == kUnbounded)) return a;
  const uint64_t most = max == kUnbounded ? min : max;  // counted up to here
  if (most > kMaxDfaStates) return std::nullopt;
  Pairs<std::pair<uint32_t, uint64_t>> pairs;
  (void)pairs.number({0, 0});
  Dfa made;
  for (size_t s = 0; s < pairs.list.size(); ++s) {
    const auto [x, length] = pairs.list[s];
    Dfa::State state{{}, a.states[x].accepts && length >= min && length <= max};
    if (!work.spend(a.states[x].edges.size() + 1)) return std::nullopt;
    for (const Dfa::Edge& e : a.states[x].edges) {
      if (length == most && max != kUnbounded) break;
      const auto number = pairs.number({e.to, std::min(length + 1, most)});
      if (!number) return std::nullopt;
      add_edge(state.edges, {e.low, e.high, *number});
    }
    made.states.push_back(std::move(state));
  }
  return trimmed(std::move(made));
}

Dfa dfa_of(const std::vector<std::vector<uint32_t>>& texts) {
  Dfa made;
  if (texts.empty()) return made;
  std::vector<std::map<uint32_t, uint32_t>> next(1);
  std::vector<bool> accepts(1, false);
  for (const auto& text : texts) {
    uint32_t at = 0;
    for (const uint32_t symbol : text) {
      const auto [it, is_new] = next[at].try_emplace(symbol, static_cast<uint32_t>(next.size()));
      at = it->second;
      if (is_new) next.emplace_back(), accepts.push_back(false);
    }
    accepts[at] = true;
  }
  for (size_t s = 0; s < next.size(); ++s) {
    Dfa::State state{{}, accepts[s]};
    for (const auto& [symbol, to] : next[s]) state.edges.push_back({symbol, symbol, to});
    made.states.push_back(std::move(state));
  }
  return made;
}

bool accepts(const Dfa& dfa, const std::vector<uint32_t>& text) {
  if (dfa.empty()) return false;
  uint32_t at = 0;
  for (const uint32_t symbol : text) {
    const auto& edges = dfa.states[at].edges;
    const auto edge = std::find_if(edges.begin(), edges.end(), [&](const auto& e) { return e.high >= symbol; });
    if (edge == edges.end() || edge->low > symbol) return false;
    at = edge->to;
  }
  return dfa.states[at].accepts;
}

}  // namespace maru::text::grammar
