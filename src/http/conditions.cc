#include "http/conditions.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>

namespace maru::http {
namespace {

constexpr std::string_view kUnit = "bytes=";

/// Digits, as large as they may be: what no number holds is the largest one.
std::optional<uint64_t> number_of(std::string_view digits) {
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  if (digits.empty()) return std::nullopt;
  uint64_t value = 0;
  for (char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<uint64_t>(c - '0');
    value = value > (kMost - digit) / 10 ? kMost : value * 10 + digit;
  }
  return value;
}

/// The value of a header that may stand there once; none where it is absent or stands there twice.
std::optional<std::string_view> single_header(const Request& request, std::string_view name) {
  const auto is_it = [&](const auto& header) { return same_word(header.first, name); };
  if (std::count_if(request.headers.begin(), request.headers.end(), is_it) != 1) return std::nullopt;
  return request.header(name);
}

struct Range {
  uint64_t begin = 0, end = 0;  // begin == end: there is no such byte
};

/// One range of a file of `size` bytes; none: the header says nothing that must be followed.
std::optional<Range> range_of(std::string_view header, uint64_t size) {
  if (!same_word(header.substr(0, kUnit.size()), kUnit)) return std::nullopt;
  const std::string_view range = trim_blanks(header.substr(kUnit.size()));
  const size_t dash = range.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::optional<uint64_t> first = number_of(range.substr(0, dash)), last = number_of(range.substr(dash + 1));
  const bool open_end = dash + 1 == range.size();
  if (dash == 0) {  // the last so many bytes; of an empty file that is all of it
    if (!last || (size == 0 && *last > 0)) return std::nullopt;
    return Range{size - std::min(size, *last), size};
  }
  if (!first || (!last && !open_end) || (last && *last < *first)) return std::nullopt;
  if (*first >= size) return Range{};
  return Range{*first, open_end || *last >= size ? size : *last + 1};
}

/// Whether the client holds a part of this very file, or does not ask. Dates are not compared: files have none here.
bool if_range_holds(const Request& request, const FileAnswer& file) {
  const std::string_view wanted = request.header("if-range");
  return wanted.empty() || (!file.etag.empty() && wanted == entity_tag(file.etag));
}

bool is_known_to(const Request& request, const FileAnswer& file) {
  if (file.etag.empty()) return false;
  return std::any_of(request.headers.begin(), request.headers.end(), [&](const auto& header) {
    return same_word(header.first, "if-none-match") && lists_etag(header.second, file.etag);
  });
}

Response not_satisfiable(const Dialect& dialect, const FileAnswer& file) {
  Response response =
      to_response({.status = 416,
                   .message = "Range: expected bytes of a file of " + std::to_string(file.length) + " bytes",
                   .word = "range_not_satisfiable"},
                  dialect);
  response.headers.emplace_back("Content-Range", "bytes */" + std::to_string(file.length));
  return response;
}

}  // namespace

std::string entity_tag(std::string_view etag) { return '"' + std::string(etag) + '"'; }

bool lists_etag(std::string_view list, std::string_view etag) {
  list = trim_blanks(list);
  if (list == "*") return true;
  while (!list.empty()) {
    list.remove_prefix(std::min(list.find_first_not_of(" \t,"), list.size()));
    if (list.starts_with("W/")) list.remove_prefix(2);
    if (!list.starts_with('"')) return false;
    list.remove_prefix(1);
    const size_t end = list.find('"');
    if (end == std::string_view::npos) return false;
    if (list.substr(0, end) == etag) return true;
    list.remove_prefix(end + 1);
  }
  return false;
}

void apply_conditions(const Request& request, const Dialect& dialect, Reply& reply) {
  auto* file = std::get_if<FileAnswer>(&reply.answer);
  if (file == nullptr) return;
  CHECK(file->file != nullptr);
  if (file->length == FileAnswer::kToItsEnd)
    file->length = file->file->size() - std::min(file->offset, file->file->size());
  file->headers.emplace_back("Accept-Ranges", "bytes");
  if (!file->etag.empty()) file->headers.emplace_back("ETag", entity_tag(file->etag));
  if (is_known_to(request, *file)) {
    Headers headers = std::move(file->headers);
    reply.answer = Response{.status = 304, .content_type = "", .body = "", .headers = std::move(headers)};
    return;
  }
  const std::optional<std::string_view> header = single_header(request, "range");
  if (request.method != Method::kGet || !header || !if_range_holds(request, *file)) return;
  const std::optional<Range> range = range_of(*header, file->length);
  if (!range) return;
  if (range->begin == range->end) {
    Response none = not_satisfiable(dialect, *file);
    reply.answer = std::move(none);
    return;
  }
  file->headers.emplace_back("Content-Range", "bytes " + std::to_string(range->begin) + "-" +
                                                  std::to_string(range->end - 1) + "/" + std::to_string(file->length));
  file->offset += range->begin;
  file->length = range->end - range->begin;
  file->status = 206;
}

}  // namespace maru::http
