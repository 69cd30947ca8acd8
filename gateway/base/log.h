#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace upgate {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError, kOff };
enum class LogFormat : std::uint8_t { kText, kJson };

// A fact of a log line. Values that come from a peer are escaped by the writer; secrets (cookies,
// tokens, keys, query strings) are not logged at all.
struct LogField {
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;
  std::string_view name;
  Value value;
};

// One line per event: `event` is a fixed lower-case phrase, the facts are fields. Thread-safe.
class Log {
 public:
  virtual ~Log() = default;
  virtual void Write(LogLevel level, std::string_view event,
                     std::initializer_list<LogField> fields) = 0;
  virtual bool Enabled(LogLevel level) const = 0;
  // Waits until what was written so far has left the process, `timeout` at the most.
  virtual void Flush(std::chrono::milliseconds /*timeout*/) {}
  // How many lines nobody will ever read.
  virtual std::uint64_t lines_lost() const { return 0; }

  void Debug(std::string_view event, std::initializer_list<LogField> fields = {}) {
    if (Enabled(LogLevel::kDebug)) Write(LogLevel::kDebug, event, fields);
  }
  void Info(std::string_view event, std::initializer_list<LogField> fields = {}) {
    if (Enabled(LogLevel::kInfo)) Write(LogLevel::kInfo, event, fields);
  }
  void Warn(std::string_view event, std::initializer_list<LogField> fields = {}) {
    if (Enabled(LogLevel::kWarn)) Write(LogLevel::kWarn, event, fields);
  }
  void Error(std::string_view event, std::initializer_list<LogField> fields = {}) {
    if (Enabled(LogLevel::kError)) Write(LogLevel::kError, event, fields);
  }
};

// Lines on standard error: `2026-01-02T03:04:05.678Z info  session open id=7
// client="127.0.0.1:4242"`, or one JSON object a line with the members time, level, event and the
// fields. Nobody waits for the reader: a thread writes (see LineWriter), up to 1 MiB may wait for
// it, and lines beyond that and those that cannot be written are lost. `log lines lost` with their
// count then stands in their place, at warn whatever `level` is. The destructor waits a second at
// the most for what is queued.
//
// To be made before descriptors are opened that must not outlive the caller's use of them.
std::unique_ptr<Log> MakeStderrLog(LogLevel level, LogFormat format);

// The text of one line's event and fields, without time and level; what MakeStderrLog writes and
// tests read.
std::string FormatLogLine(LogFormat format, std::string_view event,
                          std::initializer_list<LogField> fields);

}  // namespace upgate
