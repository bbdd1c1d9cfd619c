// Lines of every script and of everything else that splits differ on: numbers, contractions, marks, code, emoji. Our
// own sentences (assets/scripts.txt), inside the program, to compare two tokenizers with.
#pragma once
#include <string>
#include <vector>

namespace maru::text {

/// Each line, and each two of them with one of the usual line breaks between.
std::vector<std::string> script_lines();

}  // namespace maru::text
