#pragma once

#include <array>
#include <functional>
#include <string_view>

#include "gateway/base/log.h"
#include "gateway/io/memory_guard.h"
#include "gateway/io/network.h"
#include "gateway/io/seldom.h"
#include "gateway/stats/stats.h"

namespace upgate::session {

// Counts the actions of a loop's memory guard and logs them: at most one line for each kind within
// io::Seldom::kInterval, with the number of those left out since the last line. On its loop's
// thread.
class MemoryReport final : public io::MemoryGuard::Observer {
 public:
  // `trim` returns freed memory to the system; it returns false if it did so only just before. What
  // is borrowed outlives the report.
  MemoryReport(io::Loop loop, stats::MemoryStats& stats, Log& log, std::function<bool()> trim);

  void OnWaiting(bool waits) override;
  void OnRefused(io::MemoryRefusal refusal) override;
  bool OnTrim() override;

 private:
  void Write(io::Seldom& line, std::string_view event, std::string_view kind);

  io::Loop loop_;
  stats::MemoryStats& stats_;
  Log& log_;
  std::function<bool()> trim_;
  io::Seldom waits_;
  std::array<io::Seldom, io::kMemoryRefusals> refusals_;
};

}  // namespace upgate::session
