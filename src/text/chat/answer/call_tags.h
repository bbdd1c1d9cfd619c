// A call in tags: <function=NAME>, for each argument <parameter=KEY>, a line with its value, </parameter>, and at the
// end </function>. Values stand there without quotes; the tool's schema says which of them are text.
#pragma once
#include <string>
#include <string_view>

#include "text/chat/answer/call_reader.h"
#include "text/chat/answer/tool_set.h"

namespace maru::text {

class CallTags : public CallReader {
 public:
  /// The tools must outlive it.
  CallTags(CallSink& sink, const ToolSet& tools) : sink_(sink), tools_(tools) {}
  Step feed(char c) override;
  void cut() override;

 private:
  enum class State : uint8_t { kFunction, kBody, kValue };
  Step in_function();
  Step in_body();
  void begin_parameter(std::string key);
  void in_value();
  void release(size_t end);
  void end_value(std::string_view end);

  CallSink& sink_;
  const ToolSet& tools_;
  State state_ = State::kFunction;
  ToolSet::Value kind_ = ToolSet::Value::kText;
  std::string held_;  // bytes that are not yet decided
  std::string name_;
  bool first_ = true;     // no parameter yet
  bool failed_ = false;
  bool at_begin_ = true;  // of a value, where its line begins
};

}  // namespace maru::text
