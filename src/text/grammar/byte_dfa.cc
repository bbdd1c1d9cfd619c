#include "text/grammar/byte_dfa.h"

#include <algorithm>
#include <map>

#include "base/hash.h"
#include "base/utf8.h"

namespace maru::text::grammar {
namespace {

// Bytes that no state tells apart share a column.
std::array<uint8_t, 256> classes_of(const Dfa& dfa, uint32_t& count) {
  std::array<bool, 257> cut{};
  for (const Dfa::State& s : dfa.states)
    for (const Dfa::Edge& e : s.edges) cut[e.low] = cut[e.high + 1] = true;
  std::array<uint8_t, 256> classes{};
  uint8_t at = 0;
  for (size_t b = 0; b < 256; ++b) {
    if (b > 0 && cut[b]) ++at;
    classes[b] = at;
  }
  count = at + 1u;
  return classes;
}

template <class T>
std::string_view bytes_of(const std::vector<T>& list) {
  return {reinterpret_cast<const char*>(list.data()), list.size() * sizeof(T)};
}

std::string_view short_escape(uint32_t c) {
  switch (c) {
    case '"': return "\\\"";
    case '\\': return "\\\\";
    case '\b': return "\\b";
    case '\f': return "\\f";
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    default: return "";
  }
}

/// Adds to an automaton over bytes the ways from one state to another that spell code points.
class Speller {
 public:
  explicit Speller(Nfa& nfa) : nfa_(nfa) {}

  void spell(Encoding encoding, uint32_t from, uint32_t low, uint32_t high, uint32_t to) {
    if (encoding == Encoding::kUtf8) return utf8(from, low, high, to);
    for (uint32_t c = low; c <= std::min<uint32_t>(high, 0x1F); ++c) control(from, c, to);
    for (const uint32_t c : {uint32_t{'"'}, uint32_t{'\\'}})
      if (low <= c && c <= high) text(from, short_escape(c), to);
    constexpr CodePointBound kPlain[]{{0x20, 0x21}, {0x23, 0x5B}, {0x5D, 0x10FFFF}};
    for (const auto& [first, last] : kPlain)
      if (std::max(low, first) <= std::min(high, last)) utf8(from, std::max(low, first), std::min(high, last), to);
  }
  void text(uint32_t from, std::string_view bytes, uint32_t to) {
    for (size_t i = 0; i < bytes.size(); ++i) {
      const uint32_t next = i + 1 == bytes.size() ? to : nfa_.add();
      nfa_.link(from, static_cast<uint8_t>(bytes[i]), static_cast<uint8_t>(bytes[i]), next);
      from = next;
    }
    if (bytes.empty()) nfa_.link(from, to);
  }

 private:
  struct CodePointBound {
    uint32_t low, high;
  };
  void control(uint32_t from, uint32_t c, uint32_t to) {
    if (const std::string_view escape = short_escape(c); !escape.empty()) return text(from, escape, to);
    const uint32_t head = nfa_.add();
    text(from, c < 16 ? "\\u000" : "\\u001", head);
    const char digit = "0123456789abcdef"[c & 15];
    text(head, {&digit, 1}, to);
    if (digit < 'a') return;
    const char upper = static_cast<char>(digit - 'a' + 'A');
    text(head, {&upper, 1}, to);
  }
  void utf8(uint32_t from, uint32_t low, uint32_t high, uint32_t to) {
    constexpr CodePointBound kLengths[]{
        {0, 0x7F}, {0x80, 0x7FF}, {0x800, 0xD7FF}, {0xE000, 0xFFFF}, {0x10000, 0x10FFFF}};
    constexpr int kTails[]{0, 1, 2, 2, 3};
    for (size_t i = 0; i < std::size(kLengths); ++i) {
      const uint32_t first = std::max(low, kLengths[i].low), last = std::min(high, kLengths[i].high);
      if (first <= last) sequence(from, first, last, kTails[i], kTails[i], to);
    }
  }
  // Bytes of code points from `low` to `high`, of which `tail` continuation bytes are left to write.
  void sequence(uint32_t from, uint32_t low, uint32_t high, int tail, int tails, uint32_t to) {
    const int shift = 6 * tail;
    const auto byte = [&](uint32_t c) {
      if (tail < tails) return 0x80 | (c >> shift & 0x3F);
      constexpr uint32_t kLead[]{0, 0xC0, 0xE0, 0xF0};
      return kLead[tails] | c >> shift;
    };
    if (tail == 0) return nfa_.link(from, byte(low), byte(high), to);
    const uint32_t rest = (uint32_t{1} << shift) - 1;
    if ((low & rest) != 0 && (low | rest) < high) {
      sequence(from, low, low | rest, tail, tails, to);
      low = (low | rest) + 1;
    }
    if ((high & rest) != rest && (high & ~rest) > low) {
      sequence(from, high & ~rest, high, tail, tails, to);
      high = (high & ~rest) - 1;
    }
    if ((low & rest) == 0 && (high & rest) == rest) return nfa_.link(from, byte(low), byte(high), any(tail, to));
    const uint32_t next = nfa_.add();
    nfa_.link(from, byte(low), byte(low), next);
    sequence(next, low, high, tail - 1, tails, to);
  }
  // The state from which any `tail` continuation bytes lead to `to`.
  uint32_t any(int tail, uint32_t to) {
    if (tail == 0) return to;
    const auto [it, is_new] = any_.try_emplace({tail, to}, 0);
    if (is_new) {
      const uint32_t state = nfa_.add();
      any_[{tail, to}] = state;
      nfa_.link(state, 0x80, 0xBF, any(tail - 1, to));
    }
    return any_[{tail, to}];
  }
  Nfa& nfa_;
  std::map<std::pair<int, uint32_t>, uint32_t> any_;
};

}  // namespace

ByteDfa::ByteDfa(const Dfa& dfa, uint32_t counting) : counting_(counting) {
  classes_ = classes_of(dfa, num_classes_);
  table_.assign(dfa.states.size() * num_classes_, kDead);
  for (size_t s = 0; s < dfa.states.size(); ++s) {
    const Dfa::State& state = dfa.states[s];
    flags_.push_back(static_cast<uint8_t>((state.accepts ? 1 : 0) | (state.edges.empty() ? 0 : 2)));
    for (const Dfa::Edge& e : state.edges)
      for (uint32_t b = e.low; b <= e.high; ++b) table_[s * num_classes_ + classes_[b]] = e.to;
  }
  Sha256 hash;
  hash.update({reinterpret_cast<const char*>(classes_.data()), classes_.size()});
  hash.update({reinterpret_cast<const char*>(&counting_), sizeof counting_});
  hash.update(bytes_of(flags_));
  hash.update(bytes_of(table_));
  digest_ = hash.hex();
}

int ByteDfa::only_byte(uint32_t state) const {
  int only = -1;
  for (int b = 0; b < 256; ++b) {
    if (next(state, static_cast<uint8_t>(b)) == kDead) continue;
    if (only >= 0) return -1;
    only = b;
  }
  return only;
}

std::optional<Dfa> over_bytes(const Dfa& dfa, Encoding encoding, std::string_view before, std::string_view after,
                              Work& work) {
  if (dfa.empty()) return dfa;
  Nfa nfa;
  Speller speller(nfa);
  nfa.start = nfa.add();
  nfa.final = nfa.add();
  const auto first = static_cast<uint32_t>(nfa.states.size());
  for (size_t s = 0; s < dfa.states.size(); ++s) (void)nfa.add();
  speller.text(nfa.start, before, first);
  for (uint32_t s = 0; s < dfa.states.size(); ++s) {
    for (const Dfa::Edge& e : dfa.states[s].edges) speller.spell(encoding, first + s, e.low, e.high, first + e.to);
    if (dfa.states[s].accepts) speller.text(first + s, after, nfa.final);
    if (nfa.states.size() > 8 * kMaxNfaStates) return std::nullopt;
  }
  return determinised(nfa, work, 2 * kMaxDfaStates);
}

std::vector<uint32_t> symbols_of_bytes(std::string_view bytes) {
  std::vector<uint32_t> symbols;
  for (const char c : bytes) symbols.push_back(static_cast<uint8_t>(c));
  return symbols;
}

std::vector<uint32_t> symbols_of_text(std::string_view utf8) {
  std::vector<uint32_t> symbols;
  for (const char *p = utf8.data(), *end = p + utf8.size(); p < end;) {
    const Decoded c = decode_utf8(p, end);
    symbols.push_back(c.code_point);
    p += c.length;
  }
  return symbols;
}

}  // namespace maru::text::grammar
