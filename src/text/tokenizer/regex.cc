#include "text/tokenizer/regex.h"

#include <oniguruma.h>

#include <array>

#include "base/utf8.h"


namespace maru::text {
namespace {

std::string message_of(int code, OnigErrorInfo* info = nullptr) {
  std::array<OnigUChar, ONIG_MAX_ERROR_MESSAGE_LEN> text{};
  const int n =
      info != nullptr ? onig_error_code_to_str(text.data(), code, info) : onig_error_code_to_str(text.data(), code);
  return {reinterpret_cast<const char*>(text.data()), static_cast<size_t>(n)};
}

const OnigUChar* bytes_of(const char* p) { return reinterpret_cast<const OnigUChar*>(p); }

struct FreeRegion {
  void operator()(OnigRegion* region) const { onig_region_free(region, 1); }
};

}  // namespace

struct Regex::Compiled {
  OnigRegex regex = nullptr;
  std::string where;
  ~Compiled() {
    if (regex != nullptr) onig_free(regex);
  }
};

Result<Regex> Regex::compile(const std::string& pattern, const std::string& where) {
  if (!is_valid_utf8(pattern)) return {ErrorCode::kInvalidArgument, where + ": the pattern is not valid UTF-8"};
  OnigEncoding utf8 = ONIG_ENCODING_UTF8;
  onig_initialize(&utf8, 1);
  auto compiled = std::make_shared<Compiled>();
  compiled->where = where;
  OnigErrorInfo info{};
  const OnigUChar* const begin = bytes_of(pattern.data());
  const int status =
      onig_new(&compiled->regex, begin, begin + pattern.size(), ONIG_OPTION_NONE, utf8, ONIG_SYNTAX_RUBY, &info);
  if (status != ONIG_NORMAL)
    return {ErrorCode::kInvalidArgument, where + ": not a valid regular expression: " + message_of(status, &info)};
  return Regex(std::shared_ptr<const Compiled>(std::move(compiled)));
}

void Regex::split(std::string_view text, PieceSink sink) const {
  find(text, [&](Matched m) {
    if (!m.text.empty()) sink(m.text);
  });
}

void Regex::find(std::string_view text, SinkOf<Matched> sink) const {
  const char* const end = text.data() + text.size();
  const char* begin = text.data();
  const auto flush = [&](const char* to) {
    if (to > begin) find_valid({begin, static_cast<size_t>(to - begin)}, sink);
  };
  for (const char* p = begin; p < end;) {
    const Decoded d = decode_utf8(p, end);
    if (d.code_point == kInvalidCodePoint) {
      flush(p);
      sink({{p, d.length}, false});
      begin = p + d.length;
    }
    p += d.length;
  }
  flush(end);
}

void Regex::find_valid(std::string_view text, SinkOf<Matched> sink) const {
  const std::unique_ptr<OnigRegion, FreeRegion> region(onig_region_new());
  const OnigUChar *const base = bytes_of(text.data()), *const end = base + text.size();
  size_t done = 0;
  bool matched = false;  // something ends at `done`
  for (size_t from = 0; from <= text.size();) {
    const int at = onig_search(compiled_->regex, base, end, base + from, end, region.get(), ONIG_OPTION_NONE);
    if (at == ONIG_MISMATCH) break;
    if (at < 0) throw Failure(ErrorCode::kExhausted, compiled_->where + ": matching failed: " + message_of(at));
    const size_t stop = static_cast<size_t>(region->end[0]), start = static_cast<size_t>(at);
    if (stop == start && matched && stop == done) {  // no empty match right behind another: on by one character
      from = from < text.size() ? from + decode_utf8(text.data() + from, text.data() + text.size()).length : from + 1;
      continue;
    }
    if (start > done) sink({text.substr(done, start - done), false});
    sink({text.substr(start, stop - start), true});
    done = from = stop;
    matched = true;
  }
  if (done < text.size()) sink({text.substr(done), false});
}

}  // namespace maru::text
