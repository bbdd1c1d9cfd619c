// The rows of a run's metrics.jsonl for those who watch it: from where they have read to, few of many for a plot, and
// the newest values. What is read is what is asked for, however long the run is.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/json_fwd.h"

namespace maru::catalogue {

/// Where a reader stands: behind a whole line, which is known again by its hash. So a file that was written anew, by a
/// run that goes on from an older checkpoint, does not pass for the old one, however long it is by now.
struct RowsPosition {
  uint64_t offset = 0, line_hash = 0;  // the hash of the line that ends at the offset
  /// "0" for the beginning, else OFFSET-HASH; what parse() takes.
  std::string text() const;
  static Result<RowsPosition> parse(std::string_view text);
};

struct RowsPart {
  std::vector<Json> rows;
  RowsPosition position;   // behind what was read
  bool restarted = false;  // the file is no longer the one of the position asked for: these rows are its first ones
  bool more = false;       // ask again at once
  int64_t damaged = 0;     // lines that are no row
};

/// The rows behind a position, of at most 4 MiB of the file. A line without its end is left for the next time.
/// With `points` above 0, what is more than a few hundred rows is thinned as if the whole file were to be about
/// `points` rows; 0 thins nothing.
///
/// Throws   kNotFound.
/// Cost     the bytes behind the position, and one line before it.
RowsPart read_rows(const fs::path& file, const RowsPosition& from, int64_t points);

/// The newest value of each field that stands in the last 64 KiB, in the order of the fields; {} without a file.
Json newest_values(const fs::path& file, const std::vector<std::string>& fields);

/// Few of many rows: of each stretch of the file its last row and those with the lowest and the highest value of what
/// is plotted (losses, norm of the gradient, speed), so that no spike disappears. Rows come and stay in their order.
class RowThinner {
 public:
  /// About `points` rows stay of a file of `all_bytes`; 0: all of them.
  RowThinner(uint64_t all_bytes, int64_t points);
  void add(Json row, uint64_t line_bytes);
  /// The rows that stay. Call once, at the end.
  std::vector<Json> take();

 private:
  void close_stretch();
  uint64_t stretch_bytes_, filled_ = 0;
  std::vector<Json> stretch_, kept_;
};

}  // namespace maru::catalogue
