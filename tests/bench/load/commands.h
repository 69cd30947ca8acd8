#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "tests/bench/wire/loop.h"

namespace upgate::bench {

// Commands from the parent process: lines on standard input, answered on standard output.
class Commands final : public Watcher {
 public:
  // `on_line` gets each line without its newline.
  Commands(Loop& loop, std::function<void(std::string_view line)> on_line);

  void OnEvents(std::uint32_t events) override;
  // Whether standard input has reached its end.
  bool ended() const { return ended_; }

  // Prints a line and flushes it.
  static void Say(std::string_view line);

 private:
  std::function<void(std::string_view line)> on_line_;
  std::string input_;
  bool ended_ = false;
};

}  // namespace upgate::bench
