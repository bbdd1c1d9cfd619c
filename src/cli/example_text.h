// Examples of training data, in text for people.
#pragma once
#include <string>

#include "pipeline/examples.h"

namespace maru::cli {

/// What is learnt is green with `colour`, and in ⟦brackets⟧ without. Control characters are shown by their number, so
/// that no data speaks to the terminal.
std::string show(const pipeline::Examples& examples, bool colour);

}  // namespace maru::cli
