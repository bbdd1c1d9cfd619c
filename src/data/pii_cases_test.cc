// How much personal data is found, and how much else is taken for it, on a set of our own: tests/pii/cases.tsv. The
// rows of the table in docs/reliability.md are checked against what is counted here.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/byte_source.h"
#include "data/pii.h"

namespace maru::data {
namespace {

struct Span {
  size_t begin, end;
  std::string kind;
  auto operator<=>(const Span&) const = default;
};

struct Case {
  std::string text;
  std::vector<Span> spans;
  int64_t line = 0;
};

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
}

std::vector<Case> read_cases() {
  constexpr std::string_view kOpen = "⟦", kClose = "⟧";
  std::vector<Case> cases;
  LineReader lines("tests/pii/cases.tsv");
  while (const auto line = lines.next()) {
    if (line->starts_with('#')) continue;
    const size_t tab = line->find('\t');
    const std::string kind(line->substr(0, tab));
    std::string text(line->substr(tab + 1));
    replace_all(text, "\\n", "\n");
    Case one{"", {}, lines.line_number()};
    while (true) {
      const size_t open = text.find(kOpen), close = text.find(kClose);
      one.text += text.substr(0, open);
      if (open == std::string::npos) break;
      const size_t begin = one.text.size();
      one.text += text.substr(open + kOpen.size(), close - open - kOpen.size());
      one.spans.push_back({begin, one.text.size(), kind});
      text.erase(0, close + kClose.size());
    }
    cases.push_back(std::move(one));
  }
  return cases;
}

// What was replaced, from the text and the result: the pieces between placeholders stand in the text in this order.
std::vector<Span> found_in(const std::string& text, const PiiConfig& config) {
  PiiCounts counts{};
  const std::string result = redact_pii(text, config, counts);
  std::vector<Span> spans;
  size_t at = 0;
  for (size_t i = 0; i < result.size();) {
    size_t kind = 0;
    while (kind < kPiiKinds && !result.substr(i).starts_with(placeholder_of(static_cast<PiiKind>(kind)))) ++kind;
    if (kind == kPiiKinds) {
      ++i, ++at;
      continue;
    }
    i += placeholder_of(static_cast<PiiKind>(kind)).size();
    const std::string piece = result.substr(i, result.find('[', i) - i);
    const bool last = i + piece.size() == result.size();
    const size_t end = last ? text.size() - piece.size() : text.find(piece, at + 1);
    spans.push_back({at, end, std::string(name_of(static_cast<PiiKind>(kind)))});
    at = end;
  }
  return spans;
}

struct Tally {
  int expected = 0, right = 0, wrong = 0;
  std::string mistakes = {};  // one a line
};

TEST(PiiCases, RecallAndPrecisionAreAsPublished) {
  PiiConfig config;
  config.ipv4 = config.us_ssn = true;
  std::map<std::string, Tally> tallies;
  const auto shown = [](const Case& one, std::string_view what, const Span& span) {
    return fmt::format("  {}: {} {}\n", one.line, what, one.text.substr(span.begin, span.end - span.begin));
  };
  for (const Case& one : read_cases()) {
    const std::set<Span> expected(one.spans.begin(), one.spans.end());
    std::set<Span> missed = expected;
    for (const Span& span : found_in(one.text, config)) {
      Tally& tally = tallies[span.kind];
      missed.erase(span);
      expected.contains(span) ? ++tally.right : ++tally.wrong;
      if (!expected.contains(span)) tally.mistakes += shown(one, "took", span);
    }
    for (const Span& span : expected) ++tallies[span.kind].expected;
    for (const Span& span : missed) tallies[span.kind].mistakes += shown(one, "missed", span);
  }
  const std::string page = read_file("docs/reliability.md");
  for (const auto& [kind, tally] : tallies) {
    const double found = tally.right + tally.wrong;
    const std::string row = fmt::format("| {} | {} of {} ({:.1f} %) | {} of {} ({:.1f} %) |", kind, tally.right,
                                        tally.expected, 100.0 * tally.right / tally.expected, tally.right,
                                        tally.right + tally.wrong, 100.0 * tally.right / found);
    EXPECT_NE(page.find(row), std::string::npos) << "docs/reliability.md lacks: " << row << "\n" << tally.mistakes;
    EXPECT_GE(tally.right, 0.85 * tally.expected) << kind;
    EXPECT_LE(tally.wrong, 0.05 * found + 3) << kind;
  }
}

}  // namespace
}  // namespace maru::data
