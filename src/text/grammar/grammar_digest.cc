#include "base/hash.h"
#include "text/grammar/byte_dfa.h"
#include "text/grammar/grammar.h"

namespace maru::text {
namespace {

/// Numbers and texts one behind the other, each so that it is known where it ends.
class Digest {
 public:
  void number(uint64_t value) {
    std::string bytes;
    for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(value >> shift & 255);
    hash_.update(bytes);
  }
  void text(const std::string& text) {
    number(text.size());
    hash_.update(text);
  }
  void node(const Grammar::Node& n) {
    for (const uint64_t value :
         {static_cast<uint64_t>(n.kind), uint64_t{n.repeats}, uint64_t{n.special}, uint64_t{n.symbol}, uint64_t{n.next},
          n.min, n.max, n.min_units, n.max_units, uint64_t{n.first}, uint64_t{n.count}})
      number(value);
  }
  std::string hex() { return hash_.hex(); }

 private:
  Sha256 hash_;
};

}  // namespace

std::string Grammar::digest() const {
  Digest digest;
  digest.number(nodes_.size());
  for (const Node& node : nodes_) digest.node(node);
  digest.number(targets_.size());
  for (const uint32_t target : targets_) digest.number(target);
  digest.number(rules_.size());
  for (const Rule& rule : rules_) digest.number(2 * uint64_t{rule.start} + (rule.nullable ? 1 : 0));
  digest.number(dfas_.size());
  for (const auto& dfa : dfas_) digest.text(dfa->digest());
  digest.number(specials_.size());
  for (const std::string& special : specials_) digest.text(special);
  digest.number(root_);
  return digest.hex();
}

}  // namespace maru::text
