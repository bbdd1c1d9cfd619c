// What an answer is made of, in the order in which it comes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace maru::text {

struct AnswerEvent {
  enum class Kind : uint8_t {
    kText,       // `text` for the reader
    kReasoning,  // `text` the model wrote for itself
    kCallBegin,  // a tool is called: `text` is its name
    kArguments,  // `text` is the next piece of the call's arguments, JSON text
    kCallEnd,
  };
  Kind kind = Kind::kText;
  std::string text;
  size_t call = 0;  // which call of the answer
  std::string id;   // of kCallBegin
};

}  // namespace maru::text
