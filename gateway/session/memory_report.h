#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "gateway/base/log.h"
#include "gateway/io/memory_guard.h"
#include "gateway/io/network.h"
#include "gateway/stats/stats.h"

namespace upgate::session {

// Counts what a loop's memory guard does, and says so in the log: once for each kind within
// kLogInterval, with how many there were since the last line. On its loop's thread.
class MemoryReport final : public io::MemoryGuard::Observer {
 public:
  static constexpr io::Millis kLogInterval{10'000};

  // `trim` gives freed memory back to the system, or says false when that was done just now. What
  // is borrowed outlives the report.
  MemoryReport(io::Loop loop, stats::MemoryStats& stats, Log& log, std::function<bool()> trim);

  void OnWaiting(bool waits) override;
  void OnRefused(io::MemoryRefusal refusal) override;
  bool OnTrim() override;

 private:
  // Of one kind of line.
  struct Line {
    std::optional<io::Instant> written;
    std::uint64_t since = 0;
  };

  void Write(Line& line, std::string_view event, std::string_view kind);

  io::Loop loop_;
  stats::MemoryStats& stats_;
  Log& log_;
  std::function<bool()> trim_;
  Line waits_;
  std::array<Line, io::kMemoryRefusals> refusals_;
};

}  // namespace upgate::session
