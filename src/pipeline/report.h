// The stage from a run to one self-contained HTML file: curves, data, evaluation, manifest.
#pragma once
#include <string>

#include "pipeline/workplace.h"

namespace maru::pipeline {

/// Throws   kNotFound when there is no such run. Rows of its metrics that cannot be read are warned about and left out.
std::string render_report(const Workplace&, const std::string& run);

/// Writes it to `out`, or beside the run when that is empty, and returns the file.
///
/// Throws   as render_report; kExists when something lies at `out` that is no report.
fs::path write_report(const Workplace&, const std::string& run, const fs::path& out = {});

}  // namespace maru::pipeline
