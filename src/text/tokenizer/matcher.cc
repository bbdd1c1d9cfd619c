#include "text/tokenizer/matcher.h"

namespace maru::text {
namespace {

void find_literal(const std::string& wanted, std::string_view text, SinkOf<Matched> sink) {
  size_t done = 0;
  for (size_t at; (at = text.find(wanted, done)) != std::string_view::npos; done = at + wanted.size()) {
    if (at > done) sink({text.substr(done, at - done), false});
    sink({text.substr(at, wanted.size()), true});
  }
  if (done < text.size()) sink({text.substr(done), false});
}

}  // namespace

Result<Matcher> Matcher::create(const Pattern& pattern, const std::string& where) {
  if (!pattern.regex && !pattern.text.empty()) return Matcher(pattern.text);
  Result<Regex> regex = Regex::compile(pattern.text, where);
  if (!regex.ok()) return regex.error();
  return Matcher(std::move(regex).value());
}

void Matcher::find(std::string_view text, SinkOf<Matched> sink) const {
  if (const Regex* regex = std::get_if<Regex>(&pattern_)) return regex->find(text, sink);
  find_literal(std::get<std::string>(pattern_), text, sink);
}

}  // namespace maru::text
