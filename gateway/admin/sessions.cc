#include "gateway/admin/sessions.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gateway/admin/parameters.h"
#include "gateway/base/json.h"

namespace upgate::admin {
namespace {

bool IsPlain(char c) {
  return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

void AppendString(std::string& text, std::string_view value) {
  if (std::ranges::all_of(value, IsPlain)) {
    text.append(1, '"').append(value).append(1, '"');
  } else {
    text += DumpJson(value);
  }
}

void AppendMember(std::string& text, std::string_view name, std::string_view value) {
  text.append(",\"").append(name).append("\":");
  AppendString(text, value);
}

// RFC 3339, in UTC.
std::string Timestamp(std::int64_t unix_seconds) {
  const std::chrono::sys_seconds at{std::chrono::seconds(unix_seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(at - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

double Seconds(io::Millis time) {
  return static_cast<double>(time.count()) / 1000;
}

}  // namespace

void AppendSession(std::string& text, const upgrade::SessionRow& row) {
  text += fmt::format("{{\"id\":{}", row.id);
  AppendMember(text, "route", row.route);
  AppendMember(text, "server", row.server);
  AppendMember(text, "client", row.client);
  AppendMember(text, "listener", row.listener);
  AppendMember(text, "subprotocol", row.subprotocol);
  AppendMember(text, "user", row.user);
  AppendMember(text, "dialect", row.dialect);
  AppendMember(text, "opened", Timestamp(row.opened_unix_s));
  text += fmt::format(
      ",\"age_s\":{:.3f},\"idle_s\":{:.3f},\"in\":{{\"messages\":{},\"bytes\":{}}},"
      "\"out\":{{\"messages\":{},\"bytes\":{}}},\"queued_bytes\":{},\"rtt_ms\":",
      Seconds(row.age), Seconds(row.idle), row.totals.messages_in, row.totals.bytes_in,
      row.totals.messages_out, row.totals.bytes_out, row.queued);
  if (row.rtt_us == 0) {
    text += "null}";
  } else {
    text += fmt::format("{:.3f}}}", static_cast<double>(row.rtt_us) / 1000);
  }
}

PageText::PageText(upgrade::SessionPage page, upgrade::SessionOrder order)
    : order_(order), text_(fmt::format("{{\"total\":{},\"sessions\":[", page.total())) {
  rows_ = std::move(page).Take();
}

bool PageText::Write(std::size_t sessions) {
  for (std::size_t i = 0; i < sessions && next_ < rows_.rows.size(); ++i, ++next_) {
    text_ += next_ == 0 ? "\n" : ",\n";
    AppendSession(text_, *rows_.rows[next_]);
    rows_.rows[next_].reset();
  }
  if (next_ < rows_.rows.size()) return false;
  text_ += next_ == 0 ? "],\"next\":" : "\n],\"next\":";
  if (!rows_.next) {
    text_ += "null";
  } else if (order_ == upgrade::SessionOrder::kId) {
    text_ += WriteCursor(order_, *rows_.next);
  } else {
    AppendString(text_, WriteCursor(order_, *rows_.next));
  }
  text_ += "}\n";
  return true;
}

}  // namespace upgate::admin
