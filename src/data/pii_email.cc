// E-mail addresses: found from the '@', with a host whose last label is a top-level domain, in any script.
#include <algorithm>

#include "data/pii_scan.h"
#include "data/top_level_domains.h"

namespace maru::data {
namespace {

bool is_local_character(char c) {
  return is_alpha(c) || is_digit(c) || c == '.' || c == '_' || c == '%' || c == '+' || c == '-';
}
bool is_host_character(char c) { return is_alpha(c) || is_digit(c) || c == '-'; }

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Behind "name.tld" these go on a file's or a unit's name; other words begin a sentence whose space is missing.
bool is_file_ending(std::string_view label) {
  return is_one_of(label,
                   {"png",   "jpg",   "jpeg", "gif",   "svg",   "webp",   "bmp", "ico",  "css",     "scss",   "js",
                    "mjs",   "ts",    "tsx",  "jsx",   "json",  "xml",    "yml", "yaml", "html",    "htm",    "txt",
                    "pdf",   "doc",   "docx", "exe",   "dll",   "jar",    "war", "tar",  "gz",      "tgz",    "whl",
                    "deb",   "rpm",   "bin",  "log",   "conf",  "cfg",    "ini", "lock", "service", "socket", "target",
                    "timer", "mount", "path", "slice", "scope", "device", "swap"});
}

struct Host {
  size_t end = 0;  // 0: there is none
  std::vector<std::string> labels;
  bool is_international = false;
  size_t looked_at = 0;  // bytes
};

// Reads labels joined by full stops. A host may end wherever a label is a top-level domain; the last such place counts.
class HostReader {
 public:
  HostReader(std::string_view text, size_t begin) : text_(text), begin_(begin), at_(begin) {}

  Host read() && {
    while (read_label()) {
      const size_t dot = fold_at(text_, at_).bytes;
      if (!is_label_start(at_ + dot)) break;
      at_ += dot;
    }
    host_.looked_at = at_ - begin_;
    return std::move(host_);
  }

 private:
  static constexpr size_t kMostBytes = 254;

  char peek() const { return at_ < text_.size() ? fold_at(text_, at_).c : '\0'; }
  bool is_label_start(size_t at) const {
    if (at >= text_.size()) return false;
    const char c = fold_at(text_, at).c;
    return is_alpha(c) || is_digit(c) || c == kForeignLetter;
  }

  // Whether a full stop follows, and another label may.
  bool read_label() {
    std::string label;
    while (is_host_character(peek()) && room()) label += lower(peek()), step();
    size_t end = at_;
    while (label.ends_with('-')) label.pop_back(), end -= fold_before(text_, end).bytes;
    const bool has_suffix = !labels_.empty() && is_top_level_domain(label);
    if (peek() == kForeignLetter && !has_suffix) return read_international(std::move(label));
    if (label.empty()) return false;
    if (has_suffix) accept(end, label);
    const bool refutes = !has_suffix && host_.end > 0 && (is_file_ending(label) || !is_word(label));
    if (refutes) host_ = {};
    labels_.push_back(std::move(label));
    return peek() == '.' && end == at_ && room() && !refutes;
  }

  // "회사", "abc회사", or a top-level domain with a particle at its end: "한국으로".
  bool read_international(std::string label) {
    const size_t suffix = label.empty() && !labels_.empty() ? international_domain_prefix(text_.substr(at_)) : 0;
    const size_t begin = at_;
    while ((is_host_character(peek()) || peek() == kForeignLetter) && room()) {
      label += text_.substr(at_, fold_at(text_, at_).bytes);
      step();
    }
    host_.is_international |= suffix > 0 || host_.end == 0;
    if (suffix > 0) accept(begin + suffix, text_.substr(begin, suffix));
    labels_.push_back(std::move(label));
    return peek() == '.' && room();
  }

  static bool is_word(std::string_view label) { return std::all_of(label.begin(), label.end(), is_alpha); }
  bool room() const { return at_ - begin_ < kMostBytes; }
  void step() { at_ += fold_at(text_, at_).bytes; }
  void accept(size_t end, std::string_view label) {
    host_.end = end;
    host_.labels = labels_;
    host_.labels.emplace_back(label);
  }

  const std::string_view text_;
  const size_t begin_;
  size_t at_;
  std::vector<std::string> labels_;
  Host host_;
};

bool is_reserved(const std::vector<std::string>& labels) {
  const std::string& last = labels.back();
  if (is_one_of(last, {"example", "test", "invalid", "localhost"})) return true;
  const std::string& second = labels[labels.size() - 2];
  if (second == "example" && is_one_of(last, {"com", "org", "net", "kr"})) return true;
  return labels.size() > 2 && labels[labels.size() - 3] == "example" && second == "co" && last == "kr";
}

// "3", "v3", "2x" in front of the top-level domain: a version or an image's scale. Some mail hosts are numbers, but
// only under the oldest domains.
bool is_version(const std::vector<std::string>& labels) {
  if (is_one_of(labels.back(), {"com", "net", "org", "cn", "kr"})) return false;
  std::string_view label = labels[labels.size() - 2];
  if (label.starts_with('v')) label.remove_prefix(1);
  if (label.ends_with('x')) label.remove_suffix(1);
  return !label.empty() && std::all_of(label.begin(), label.end(), is_digit);
}

// "user@host.org:path/file", which copies files, and "git@host.org", which nobody reads.
bool is_remote_path(std::string_view local, std::string_view behind) {
  if (is_one_of(local, {"git", "hg", "svn"})) return true;
  if (behind.size() < 2 || behind[0] != ':' || !(is_alpha(behind[1]) || behind[1] == '~' || behind[1] == '/'))
    return false;
  constexpr size_t kMost = 128;
  const std::string_view path = behind.substr(1, std::min(behind.substr(1).find_first_of(" \t\r\n"), kMost));
  return path.find('/') != std::string_view::npos || path.ends_with(".git");
}

}  // namespace

std::optional<PiiMatch> match_email(std::string_view text, size_t at, size_t from, int64_t& work) {
  constexpr size_t kMostLocal = 64;
  size_t begin = at;
  std::string local;
  const auto extend = [&](auto&& belongs) {
    for (size_t n = 0; begin > from && n < kMostLocal; ++n, ++work) {
      const Folded before = fold_before(text, begin);
      if (begin < from + before.bytes || !belongs(before.c)) break;
      local.insert(local.begin(), lower(before.c));
      begin -= before.bytes;
    }
  };
  extend(is_local_character);
  const Host host = HostReader(text, at + fold_at(text, at).bytes).read();
  work += static_cast<int64_t>(host.looked_at);
  if (host.end == 0) return std::nullopt;
  if (local.empty() && host.is_international)
    extend([](char c) { return c == kForeignLetter || is_local_character(c); });
  while (local.starts_with('.')) local.erase(local.begin()), begin += fold_at(text, begin).bytes;
  if (local.empty() || is_reserved(host.labels) || is_version(host.labels)) return std::nullopt;
  if (is_remote_path(local, text.substr(host.end))) return std::nullopt;
  return PiiMatch{begin, host.end, PiiKind::kEmail};
}

}  // namespace maru::data
