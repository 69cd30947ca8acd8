#include "gateway/base/log.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cmath>
#include <ctime>
#include <iterator>
#include <optional>
#include <type_traits>

#include <fmt/format.h>

#include "gateway/base/line_writer.h"
#include "gateway/base/match.h"

namespace upgate {
namespace {

// On the stack for lines of typical size.
using Line = fmt::basic_memory_buffer<char, 1024>;

void Append(Line& out, std::string_view text) {
  out.append(text.data(), text.data() + text.size());
}

void AppendEscaped(Line& out, char c, bool ascii_hex) {
  if (c == '"' || c == '\\') {
    out.push_back('\\');
    out.push_back(c);
    return;
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto u = static_cast<unsigned char>(c);
  Append(out, ascii_hex ? "\\x" : "\\u00");
  out.push_back(kDigits[u >> 4]);
  out.push_back(kDigits[u & 15]);
}

void AppendQuoted(Line& out, std::string_view text, bool ascii_hex) {
  out.push_back('"');
  std::size_t begin = 0;  // of the text that needs no escape
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') continue;
    Append(out, text.substr(begin, i - begin));
    AppendEscaped(out, c, ascii_hex);
    begin = i + 1;
  }
  Append(out, text.substr(begin));
  out.push_back('"');
}

template <class Number>
void AppendNumber(Line& out, Number number) {
  std::array<char, 320> digits;  // the largest double has 309 digits before its decimal point
  std::to_chars_result end{};
  if constexpr (std::is_floating_point_v<Number>) {
    end = std::to_chars(digits.begin(), digits.end(), number, std::chars_format::fixed, 3);
  } else {
    end = std::to_chars(digits.begin(), digits.end(), number);
  }
  out.append(digits.data(), end.ptr);
}

void AppendValue(Line& out, const LogField::Value& value, LogFormat format) {
  std::visit(
      Match{[&](std::string_view text) { AppendQuoted(out, text, format == LogFormat::kText); },
            [&](bool flag) { Append(out, flag ? "true" : "false"); },
            [&](double number) {
              // JSON has no infinities.
              const bool writable = std::isfinite(number) || format == LogFormat::kText;
              writable ? AppendNumber(out, number) : Append(out, "null");
            },
            [&](auto number) { AppendNumber(out, number); }},
      value);
}

// The members of a JSON object after the first, or the words of a text line.
void AppendEvent(Line& out, LogFormat format, std::string_view event,
                 std::initializer_list<LogField> fields) {
  const bool json = format == LogFormat::kJson;
  if (json) {
    Append(out, "\"event\":");
    AppendQuoted(out, event, false);
  } else {
    Append(out, event);
  }
  for (const auto& field : fields) {
    Append(out, json ? ",\"" : " ");
    Append(out, field.name);
    Append(out, json ? "\":" : "=");
    AppendValue(out, field.value, format);
  }
  if (json) out.push_back('}');
}

// 2026-01-02T03:04:05.678Z. Date and time are formatted once per second and thread.
void AppendTime(Line& out) {
  constexpr std::size_t kToSeconds = 19;
  struct Second {
    std::time_t time = -1;
    std::array<char, 64> text{};
  };
  thread_local Second second;
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
  if (const std::time_t time = now / 1000; time != second.time) {
    std::tm calendar{};
    gmtime_r(&time, &calendar);
    std::strftime(second.text.data(), second.text.size(), "%Y-%m-%dT%H:%M:%S", &calendar);
    second.time = time;
  }
  const auto digit = [](std::int64_t n) { return static_cast<char>('0' + n % 10); };
  out.append(second.text.data(), second.text.data() + kToSeconds);
  for (const char c : {'.', digit(now / 100), digit(now / 10), digit(now), 'Z'}) out.push_back(c);
}

constexpr std::string_view kLevelNames[] = {"debug", "info", "warn", "error"};

void AppendLine(Line& out, LogFormat format, LogLevel level, std::string_view event,
                std::initializer_list<LogField> fields) {
  const std::string_view name = kLevelNames[static_cast<std::size_t>(level)];
  if (format == LogFormat::kJson) {
    Append(out, "{\"time\":\"");
    AppendTime(out);
    Append(out, "\",\"level\":\"");
    Append(out, name);
    Append(out, "\",");
  } else {
    AppendTime(out);
    out.push_back(' ');
    Append(out, name);
    Append(out, std::string_view("      ").substr(name.size()));
  }
  AppendEvent(out, format, event, fields);
  out.push_back('\n');
}

std::string LossNotice(LogFormat format, std::uint64_t count) {
  Line line;
  AppendLine(line, format, LogLevel::kWarn, "log lines lost", {{"count", count}});
  return {line.data(), line.size()};
}

class StderrLog final : public Log {
 public:
  StderrLog(LogLevel level, LogFormat format) : level_(level), format_(format) {
    if (level == LogLevel::kOff) return;
    writer_.emplace(STDERR_FILENO, LineWriter::Options{.notice = [format](std::uint64_t count) {
                      return LossNotice(format, count);
                    }});
  }

  bool Enabled(LogLevel level) const override {
    return level >= level_.load(std::memory_order_relaxed) && level != LogLevel::kOff;
  }

  void SetLevel(LogLevel level) override {
    if (writer_) level_.store(level, std::memory_order_relaxed);
  }

  void Write(LogLevel level, std::string_view event,
             std::initializer_list<LogField> fields) override {
    if (!Enabled(level)) return;
    Line line;
    AppendLine(line, format_, level, event, fields);
    writer_->Write({line.data(), line.size()});
  }

  void Flush(std::chrono::milliseconds timeout) override {
    if (writer_) writer_->Flush(timeout);
  }

  std::uint64_t lines_lost() const override { return writer_ ? writer_->lost() : 0; }

 private:
  std::atomic<LogLevel> level_;
  const LogFormat format_;
  std::optional<LineWriter> writer_;  // nullopt if nothing is logged
};

}  // namespace

std::string FormatLogLine(LogFormat format, std::string_view event,
                          std::initializer_list<LogField> fields) {
  Line line;
  if (format == LogFormat::kJson) line.push_back('{');
  AppendEvent(line, format, event, fields);
  return {line.data(), line.size()};
}

std::unique_ptr<Log> MakeStderrLog(LogLevel level, LogFormat format) {
  return std::make_unique<StderrLog>(level, format);
}

}  // namespace upgate
