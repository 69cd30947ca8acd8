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

// A field of a log line. Values from a peer are escaped by the writer; secrets (cookies, tokens,
// keys, query strings) must not be logged at all.
struct LogField {
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;
  std::string_view name;
  Value value;
};

// One line per event: `event` is a fixed lower-case phrase, the details are fields. Thread-safe.
class Log {
 public:
  virtual ~Log() = default;
  virtual void Write(LogLevel level, std::string_view event,
                     std::initializer_list<LogField> fields) = 0;
  virtual bool Enabled(LogLevel level) const = 0;
  // From now on; where the log can.
  virtual void SetLevel(LogLevel /*level*/) {}
  // Waits until everything logged so far has been written, at most `timeout`.
  virtual void Flush(std::chrono::milliseconds /*timeout*/) {}
  // Number of log lines lost.
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

// Logs lines to standard error: `2026-01-02T03:04:05.678Z info  session open id=7
// client="127.0.0.1:4242"`, or one JSON object per line with the members time, level, event and the
// fields. Callers never block on the reader: a separate thread writes (see LineWriter), up to 1 MiB
// may be queued, and lines beyond that and lines that cannot be written are lost. They are replaced
// by a line `log lines lost` with their count, at warn whatever `level` is. The destructor waits
// for the queue, at most a second.
//
// Must be created before descriptors are opened that must not stay open after the caller closes
// them.
std::unique_ptr<Log> MakeStderrLog(LogLevel level, LogFormat format);

// The text of one line's event and fields, without time and level; used by MakeStderrLog and by
// tests.
std::string FormatLogLine(LogFormat format, std::string_view event,
                          std::initializer_list<LogField> fields);

}  // namespace upgate
