#include "catalogue/run_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "base/hash.h"
#include "base/json.h"

namespace maru::catalogue {
namespace {

constexpr size_t kPartBytes = 4 << 20, kTailBytes = 64 << 10;
constexpr size_t kDenseBytes = 64 << 10;  // some 350 rows: what comes between two looks at a run is shown as it is
constexpr std::array kPlotted{"loss", "validation_loss", "gradient_norm", "tokens_per_second"};
constexpr uint64_t kRowsPerStretch = 2 * kPlotted.size() + 1;

/// With its '\n'.
std::string_view last_line(std::string_view text) {
  const size_t before = text.size() < 2 ? std::string_view::npos : text.rfind('\n', text.size() - 2);
  return text.substr(before + 1);
}

bool stands_in(std::string_view text, const RowsPosition& position) {
  if (position.offset == 0) return true;
  if (position.offset > text.size() || text[position.offset - 1] != '\n') return false;
  return hash64(last_line(text.substr(0, position.offset))) == position.line_hash;
}

/// As many whole lines as a part may hold, one at least if there is one.
std::string_view whole_lines(std::string_view text) {
  const size_t end = text.rfind('\n', kPartBytes - 1);
  return text.substr(0, (end != std::string_view::npos ? end : text.find('\n')) + 1);
}

Json row_of(std::string_view line) {
  Result<Json> row = parse_json(line, "");
  return row.ok() && row.value().is_object() ? std::move(row).value() : Json();
}

template <class T>
bool parse_number(std::string_view text, T& value, int base) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return !text.empty() && error == std::errc() && end == text.data() + text.size();
}

void mark_extremes(const std::vector<Json>& rows, const char* field, std::set<size_t>& stay) {
  std::optional<std::pair<double, size_t>> low, high;
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto at = rows[i].find(field);
    if (at == rows[i].end() || !at->is_number()) continue;
    const double value = at->get<double>();
    if (!low || value < low->first) low = {value, i};
    if (!high || value > high->first) high = {value, i};
  }
  if (low) stay.insert({low->second, high->second});
}

}  // namespace

std::string RowsPosition::text() const { return offset == 0 ? "0" : fmt::format("{}-{:016x}", offset, line_hash); }

Result<RowsPosition> RowsPosition::parse(std::string_view text) {
  RowsPosition position;
  const size_t dash = std::min(text.find('-'), text.size());
  const bool whole = parse_number(text.substr(0, dash), position.offset, 10);
  const bool hashed = dash < text.size() && parse_number(text.substr(dash + 1), position.line_hash, 16);
  if (whole && (hashed ? position.offset > 0 : position.offset == 0 && dash == text.size())) return position;
  return {ErrorCode::kInvalidArgument, "expected 0 or the position of an earlier answer"};
}

RowsPart read_rows(const fs::path& file, const RowsPosition& from, int64_t points) {
  const MappedFile map(file);
  const bool known = stands_in(map.text(), from);
  RowsPart part{.rows = {}, .position = known ? from : RowsPosition{}, .restarted = !known};
  const std::string_view rest = map.text().substr(part.position.offset), lines = whole_lines(rest);
  if (lines.empty()) return part;
  RowThinner thinner(map.text().size(), lines.size() > kDenseBytes ? points : 0);
  for (size_t at = 0, end = 0; at < lines.size(); at = end) {
    end = lines.find('\n', at) + 1;
    Json row = row_of(lines.substr(at, end - 1 - at));
    if (row.is_null())
      ++part.damaged;
    else
      thinner.add(std::move(row), end - at);
  }
  part.rows = thinner.take();
  part.position = {part.position.offset + lines.size(), hash64(last_line(lines))};
  part.more = rest.find('\n', lines.size()) != std::string_view::npos;
  return part;
}

Json newest_values(const fs::path& file, const std::vector<std::string>& fields) {
  Json newest = Json::object(), ordered = Json::object();
  std::error_code code;
  if (!fs::is_regular_file(file, code)) return ordered;
  const MappedFile map(file);
  std::string_view text = map.text();
  text.remove_prefix(text.size() - std::min(text.size(), kTailBytes));
  for (text = text.substr(0, text.rfind('\n') + 1); !text.empty() && newest.size() < fields.size();) {
    const std::string_view line = last_line(text);
    const Json row = row_of(line.substr(0, line.size() - 1));
    for (const std::string& field : fields)
      if (!newest.contains(field) && row.is_object() && row.contains(field)) newest[field] = row[field];
    text.remove_suffix(line.size());
  }
  for (const std::string& field : fields)
    if (newest.contains(field)) ordered[field] = newest[field];
  return ordered;
}

RowThinner::RowThinner(uint64_t all_bytes, int64_t points)
    : stretch_bytes_(points > 0 ? all_bytes * kRowsPerStretch / static_cast<uint64_t>(points) : 0) {}

void RowThinner::add(Json row, uint64_t line_bytes) {
  stretch_.push_back(std::move(row));
  filled_ += line_bytes;
  if (filled_ >= stretch_bytes_) close_stretch();
}

void RowThinner::close_stretch() {
  if (stretch_.empty()) return;
  std::set<size_t> stay{stretch_.size() - 1};
  for (const char* field : kPlotted) mark_extremes(stretch_, field, stay);
  for (const size_t i : stay) kept_.push_back(std::move(stretch_[i]));
  stretch_.clear();
  filled_ = 0;
}

std::vector<Json> RowThinner::take() {
  close_stretch();
  return std::move(kept_);
}

}  // namespace maru::catalogue
