// What one grammar may ask for. Grammars come from strangers: each bound is met by an error that names the place, so
// that compiling one takes at most about a second and some tens of megabytes, whatever it says.
#pragma once
#include <cstddef>
#include <cstdint>

namespace maru::text::grammar {

inline constexpr size_t kMaxSourceBytes = size_t{1} << 20;  // of a regular expression or a grammar
inline constexpr size_t kMaxDepth = 200;                    // of nested groups, and of schemas inside one value
inline constexpr size_t kMaxNfaStates = 60'000;
inline constexpr size_t kMaxDfaStates = 60'000;      // of one automaton
inline constexpr size_t kMaxDfaWork = 8'000'000;     // edges looked at for one automaton
inline constexpr size_t kMaxTotalWork = 40'000'000;  // the same for all automata of one grammar
inline constexpr size_t kMaxRules = 20'000;
inline constexpr size_t kMaxExpressions = 400'000;
inline constexpr size_t kMaxProperties = 1000;      // of one object that the schema names, and of prefixItems
inline constexpr size_t kMaxCombinations = 60'000;  // of alternatives that hold at once
inline constexpr size_t kMaxValues = 10'000;        // of one enum
inline constexpr size_t kMaxKeywords = 2'000'000;   // read, again for each combination
inline constexpr uint64_t kUnbounded = UINT64_MAX;

}  // namespace maru::text::grammar
