// What an inspection says, in lines for people.
#pragma once
#include <string>

#include "pipeline/inspect_adapter.h"

namespace maru::cli {

std::string text_of(const pipeline::Inspection& inspection);
std::string text_of(const pipeline::AdapterInspection& inspection);

}  // namespace maru::cli
