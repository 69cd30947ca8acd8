#include "gateway/base/log.h"

#include <chrono>
#include <cmath>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "gateway/base/match.h"

namespace upgate {
namespace {

void AppendQuoted(std::string& out, std::string_view text, bool ascii_hex) {
  out += '"';
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (u < 0x20 || u >= 0x7f) {
      out += fmt::format(fmt::runtime(ascii_hex ? "\\x{:02x}" : "\\u{:04x}"), u);
    } else {
      out += c;
    }
  }
  out += '"';
}

void AppendValue(std::string& out, const LogField::Value& value, LogFormat format) {
  std::visit(
      Match{[&](std::string_view text) { AppendQuoted(out, text, format == LogFormat::kText); },
            [&](bool flag) { out += flag ? "true" : "false"; },
            [&](double number) {
              // JSON has no infinities.
              const bool writable = std::isfinite(number) || format == LogFormat::kText;
              out += writable ? fmt::format("{:.3f}", number) : "null";
            },
            [&](auto number) { out += fmt::format("{}", number); }},
      value);
}

constexpr std::string_view kLevelNames[] = {"debug", "info", "warn", "error", "off"};

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      break;
  }
  return spdlog::level::off;
}

class StderrLog final : public Log {
 public:
  StderrLog(LogLevel level, LogFormat format)
      : level_(level),
        format_(format),
        logger_("upgate", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger_.set_level(ToSpdlog(level));
    logger_.set_pattern("%v");
    logger_.flush_on(spdlog::level::trace);
  }

  bool Enabled(LogLevel level) const override { return level >= level_ && level != LogLevel::kOff; }

  void Write(LogLevel level, std::string_view event,
             std::initializer_list<LogField> fields) override {
    const auto now =
        std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
    const auto seconds = std::chrono::time_point_cast<std::chrono::seconds>(now);
    const std::string time = fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                                         fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                                         (now - seconds).count());
    const std::string_view name = kLevelNames[static_cast<std::size_t>(level)];
    const std::string line = FormatLogLine(format_, event, fields);
    if (format_ == LogFormat::kJson) {
      logger_.log(ToSpdlog(level), R"({{"time":"{}","level":"{}",{})", time, name,
                  std::string_view(line).substr(1));
    } else {
      logger_.log(ToSpdlog(level), "{} {:<5} {}", time, name, line);
    }
  }

 private:
  LogLevel level_;
  LogFormat format_;
  spdlog::logger logger_;
};

}  // namespace

std::string FormatLogLine(LogFormat format, std::string_view event,
                          std::initializer_list<LogField> fields) {
  std::string out;
  if (format == LogFormat::kJson) {
    out += "{\"event\":";
    AppendQuoted(out, event, false);
    for (const auto& field : fields) {
      out += fmt::format(",\"{}\":", field.name);
      AppendValue(out, field.value, format);
    }
    out += '}';
    return out;
  }
  out = event;
  for (const auto& field : fields) {
    out += fmt::format(" {}=", field.name);
    AppendValue(out, field.value, format);
  }
  return out;
}

std::string LogLibraryVersion() {
  return fmt::format("{}.{}.{}", SPDLOG_VER_MAJOR, SPDLOG_VER_MINOR, SPDLOG_VER_PATCH);
}

std::unique_ptr<Log> MakeStderrLog(LogLevel level, LogFormat format) {
  return std::make_unique<StderrLog>(level, format);
}

}  // namespace upgate
