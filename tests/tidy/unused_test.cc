// What a header declares, the program, a benchmark or a tool uses: a function, class, constant or member whose name
// stands nowhere in the program but where it is declared and defined is dead, even if a test calls it. Names are
// compared as words, so one that is used anywhere counts as used everywhere: few dead ones are missed for that, and
// none is named falsely.
#include <gtest/gtest.h>

#include <regex>

#include "tidy/sources.h"

namespace maru::tidy {
namespace {

/// Only tests use these, and why they stay. May only shrink.
const std::map<std::string, std::string> kKept{
    {"from_seed", "the vectors of RFC 8032 name their keys so"},
    {"as_integers", "what a written GGUF file says"},
    {"trace", "the dry run gives the same addresses"},
};
/// Names that a library asks a type for.
const std::set<std::string> kInterfaceHeaders{"src/base/ordered_map.h"};

struct Declared {
  std::string name, header;
  int64_t times = 0;
};

using Words = std::map<std::string, int64_t>;

// Code without comments and string literals.
std::vector<std::string> code_of(const Source& source) {
  static const std::regex kNotCode(R"re(//.*|"(\\.|[^"\\])*")re");
  std::vector<std::string> lines;
  for (const std::string& line : source.lines) lines.push_back(std::regex_replace(line, kNotCode, ""));
  return lines;
}

void count_words(const std::string& line, Words& words) {
  const auto part_of_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
  for (size_t i = 0; i < line.size();) {
    size_t end = i;
    while (end < line.size() && part_of_word(line[end])) ++end;
    if (end > i) ++words[line.substr(i, end - i)];
    i = end + (end == i);
  }
}

// The name that a line of a header declares; empty: none.
std::string declared_on(const std::string& line) {
  static const std::regex kClass(R"(^\s*(class|struct|enum class) ([A-Z]\w*)[ :{].*)"),
      kConstant(R"(^\s*(inline |static )*constexpr [\w:<>, ]+ (k[A-Z]\w*).*)"),
      kFunction(R"(^\s*([\w:<>,*&\[\] ]+[\w>*&\]] [*&]?)([a-z_]\w*)\(.*)"),
      kMember(R"(^\s+([\w:<>,*& ]+[\w>*&] )([a-z]\w*[a-z0-9])( = .*|\{.*\})?;\s*)"),
      kStatement(R"(^\s*(return|using|typedef|friend|else|case|throw|delete|new)\b.*)");
  std::smatch match;
  if (std::regex_match(line, kStatement)) return "";
  for (const std::regex* pattern : {&kClass, &kConstant, &kFunction, &kMember})
    if (std::regex_match(line, match, *pattern)) return match[2];
  return "";
}

// Of `name`, in a line at the beginning of which a function is defined: its result and itself.
bool defines(const std::string& line, const std::string& name) {
  if (line.empty() || !std::isalpha(static_cast<unsigned char>(line[0]))) return false;
  const size_t open = line.find('(');
  if (open == std::string::npos || open < name.size() || line.compare(open - name.size(), name.size(), name) != 0)
    return false;
  return open > name.size() && (line[open - name.size() - 1] == ' ' || line[open - name.size() - 1] == ':');
}

// Public names of the headers.
std::map<std::string, Declared> declarations(const std::map<const Source*, std::vector<std::string>>& code) {
  std::map<std::string, Declared> all;
  for (const auto& [source, lines] : code) {
    if (!source->path.ends_with(".h") || kInterfaceHeaders.contains(source->path)) continue;
    bool hidden = false;
    for (const std::string& line : lines) {
      if (line == " private:" || line == " protected:") hidden = true;
      if (line == " public:" || line.starts_with("}")) hidden = false;
      const std::string name = hidden ? "" : declared_on(line);
      if (name.empty()) continue;
      Declared& declared = all[name];
      declared.name = name, declared.header = source->path;
      Words words;
      count_words(line, words);
      declared.times += words[name];
    }
  }
  return all;
}

// Definitions outside headers, and constructors.
int64_t definitions(const Declared& d, const std::map<const Source*, std::vector<std::string>>& code) {
  int64_t times = 0;
  for (const auto& [source, lines] : code)
    if (source->path.ends_with(".cc"))
      for (const std::string& line : lines) times += defines(line, d.name);
  return times;
}

TEST(Unused, NothingThatAHeaderDeclaresIsDead) {
  std::map<const Source*, std::vector<std::string>> code;
  Words words;
  for (const Source& s : program())
    if (!is_test(s.path)) code[&s] = code_of(s);
  for (const auto& [source, lines] : code)
    for (const std::string& line : lines) count_words(line, words);
  for (const char* user : {"bench", "tools"})
    for (const Source& s : sources_below(user, {".cc", ".h"}))
      for (const std::string& line : code_of(s)) count_words(line, words);
  std::set<std::string> dead;
  for (const auto& [name, declared] : declarations(code)) {
    // Most names are used: only those that stand as often as declared and defined at most are looked at closer.
    if (words[name] > declared.times + 6 || words[name] - declared.times - definitions(declared, code) > 0) continue;
    dead.insert(name);
    EXPECT_TRUE(kKept.contains(name)) << declared.header << ": nothing of the program uses " << name;
  }
  for (const auto& [name, reason] : kKept) EXPECT_TRUE(dead.contains(name)) << name << ": take it off the list";
}

}  // namespace
}  // namespace maru::tidy
