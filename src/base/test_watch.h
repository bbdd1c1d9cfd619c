// A sink that keeps what it was told, for tests.
#pragma once
#include <string>
#include <vector>

#include "base/watch.h"

namespace maru {

class SinkOfLines : public ProgressSink {
 public:
  std::unique_ptr<ProgressLine> begin(const std::string& title, uint64_t total, const std::string& unit) override {
    lines.push_back("begin " + title + " " + std::to_string(total) + " " + unit);
    return std::make_unique<Line>(*this, title);
  }
  void inform(const std::string& message) override { lines.push_back("info: " + message); }
  void warn(const std::string& message) override { lines.push_back("warning: " + message); }

  std::vector<std::string> lines;

 private:
  class Line : public ProgressLine {
   public:
    Line(SinkOfLines& owner, std::string title) : owner_(owner), title_(std::move(title)) {}
    ~Line() override { owner_.lines.push_back("end " + title_); }
    void update(uint64_t done) override { owner_.lines.push_back(title_ + " " + std::to_string(done)); }
    void note(const std::string& text) override { owner_.lines.push_back(title_ + ": " + text); }

   private:
    SinkOfLines& owner_;
    std::string title_;
  };
};

}  // namespace maru
