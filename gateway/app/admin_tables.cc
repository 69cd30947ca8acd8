#include "gateway/app/admin_tables.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gateway/base/json.h"
#include "gateway/base/text.h"
#include "gateway/config/error.h"

namespace upgate::app {
namespace {

std::string Text(const Json& object, const char* name) {
  return WithoutControls(object.at(name).get<std::string>());
}

std::uint64_t Number(const Json& object, const char* name) {
  return object.at(name).get<std::uint64_t>();
}

std::string OrDash(const std::string& text) {
  return text.empty() ? "-" : text;
}

std::string TrafficText(const Json& traffic) {
  return fmt::format("{} / {}", Number(traffic, "messages"), ShortBytes(Number(traffic, "bytes")));
}

std::vector<std::string> SessionCells(const Json& session) {
  const Json& rtt = session.at("rtt_ms");
  return {std::to_string(Number(session, "id")),
          Text(session, "route"),
          Text(session, "server"),
          Text(session, "client"),
          OrDash(session.value("user", "")),
          OrDash(Text(session, "subprotocol")),
          ShortTime(session.at("age_s").get<double>()),
          ShortTime(session.at("idle_s").get<double>()),
          TrafficText(session.at("in")),
          TrafficText(session.at("out")),
          ShortBytes(Number(session, "queued_bytes")),
          rtt.is_null() ? "-" : fmt::format("{:.1f}ms", rtt.get<double>())};
}

// Appends rows that are failed or drained: "server tcp://10.0.0.1:80: failed, drained".
void AppendMarked(std::string& text, std::string_view what, const Json& rows, const char* name) {
  for (const Json& row : rows) {
    std::string marks;
    const auto add = [&](bool marked, std::string_view mark) {
      if (marked) marks.append(marks.empty() ? "" : ", ").append(mark);
    };
    add(row.value("failed", false), "failed");
    add(!row.value("up", true), "down");
    add(row.value("ejected", false), "ejected");
    add(row.value("drained", false), "drained");
    if (!marks.empty()) text += fmt::format("{} {}: {}\n", what, Text(row, name), marks);
  }
}

// Appends the certificates in use and their expiry, if the statistics have any.
void AppendCertificates(std::string& text, const Json& stats) {
  const auto certificates = stats.find("certificates");
  if (certificates == stats.end()) return;
  for (const Json& certificate : *certificates) {
    const char* owner = certificate.contains("listener") ? "listener" : "backend";
    const auto left = certificate.at("seconds_left").get<std::int64_t>();
    text += fmt::format("certificate {} of {} {}: {} {}{}\n", Text(certificate, "file"), owner,
                        Text(certificate, owner), left > 0 ? "expires" : "expired",
                        Text(certificate, "not_after"),
                        left > 0 ? ", in " + ShortTime(static_cast<double>(left)) : "");
  }
}

}  // namespace

std::string Table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const bool last = i + 1 == row.size();
      text += row[i];
      text.append(last ? 0 : widths[i] + 2 - row[i].size(), ' ');
    }
    text += '\n';
  }
  return text;
}

std::string ShortTime(double seconds) {
  const auto s = static_cast<std::uint64_t>(std::max(0.0, seconds));
  if (s < 60) return fmt::format("{}s", s);
  if (s < 3600) return fmt::format("{}m{:02}s", s / 60, s % 60);
  if (s < 86400) return fmt::format("{}h{:02}m", s / 3600, s / 60 % 60);
  return fmt::format("{}d{:02}h", s / 86400, s / 3600 % 24);
}

std::string ShortBytes(std::uint64_t bytes) {
  constexpr std::array kUnits{"KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double number = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; number >= 1024 && unit + 1 < kUnits.size(); ++unit) number /= 1024;
  return fmt::format("{:.1f} {}", number, kUnits[unit]);
}

std::string SessionsText(const Json& answer) {
  std::vector<std::vector<std::string>> rows{{"ID", "ROUTE", "SERVER", "CLIENT", "USER",
                                              "SUBPROTOCOL", "AGE", "IDLE", "IN", "OUT", "QUEUED",
                                              "RTT"}};
  const Json& sessions = answer.at("sessions");
  for (const Json& session : sessions) rows.push_back(SessionCells(session));
  std::string text = rows.size() > 1 ? Table(rows) : "";
  const std::uint64_t total = Number(answer, "total");
  const Json& next = answer.at("next");
  text += fmt::format("{} of {} sessions", sessions.size(), total);
  if (!next.is_null())
    text +=
        fmt::format("; the next page: --after {}",
                    next.is_string() ? WithoutControls(next.get<std::string>()) : DumpJson(next));
  return text + "\n";
}

std::string DrainText(const Json& answer) {
  const std::string what = Text(answer, "what") + " " + Text(answer, "name");
  if (!answer.at("drained").get<bool>()) return what + " is in service again\n";
  return fmt::format("{} is drained; sessions to be closed: {}\n", what, Number(answer, "closing"));
}

std::string ReloadText(const Json& answer) {
  std::string text = fmt::format("configuration {} serves\n", Number(answer, "generation"));
  for (const Json& change : answer.at("changes"))
    text += fmt::format("{} {} {}\n", Text(change, "what"), Text(change, "name"),
                        Text(change, "change"));
  for (const Json& key : answer.at("needs_restart"))
    text += fmt::format("{}: needs a restart\n", WithoutControls(key.get<std::string>()));
  return text;
}

std::string StatusText(const Json& stats) {
  const Json& process = stats.at("process");
  const Json& totals = stats.at("totals");
  std::string text =
      fmt::format("configuration: {}\nuptime: {}\nsessions: {}\nconnections: {}\n",
                  Number(stats, "generation"), ShortTime(process.at("uptime_s").get<double>()),
                  Number(totals, "sessions_open"), Number(totals, "connections_open"));
  AppendMarked(text, "server", stats.at("servers"), "url");
  AppendMarked(text, "route", stats.at("routes"), "name");
  AppendMarked(text, "listener", stats.at("listeners"), "address");
  AppendCertificates(text, stats);
  return text;
}

std::string ReloadErrors(std::string_view body) {
  const Json answer = ParseJson(body);
  if (!answer.is_object() || !answer.contains("errors")) return {};
  std::string text;
  try {
    for (const Json& error : answer.at("errors")) {
      config::ConfigError one{
          .mark = {}, .key = Text(error, "key"), .message = Text(error, "message")};
      one.mark.line = error.at("line").get<int>();
      one.mark.column = error.at("column").get<int>();
      text += config::ToString(Text(error, "file"), one) + "\n";
    }
  } catch (const Json::exception&) {
    return {};
  }
  return text;
}

}  // namespace upgate::app
