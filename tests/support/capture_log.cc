#include "tests/support/capture_log.h"

#include <algorithm>

#include <fmt/format.h>

namespace upgate::test {

void CaptureLog::Write(LogLevel level, std::string_view event,
                       std::initializer_list<LogField> fields) {
  Event kept{level, std::string(event), {}};
  for (const LogField& field : fields) {
    kept.fields[std::string(field.name)] =
        std::visit([](const auto& value) { return fmt::format("{}", value); }, field.value);
  }
  const std::lock_guard lock(mutex_);
  events_.push_back(std::move(kept));
}

std::vector<CaptureLog::Event> CaptureLog::events() const {
  const std::lock_guard lock(mutex_);
  return events_;
}

std::vector<CaptureLog::Event> CaptureLog::Find(std::string_view name) const {
  std::vector<Event> found = events();
  std::erase_if(found, [&](const Event& event) { return event.name != name; });
  return found;
}

std::string CaptureLog::Last(std::string_view name, std::string_view field) const {
  const std::vector<Event> found = Find(name);
  if (found.empty()) return {};
  const auto value = found.back().fields.find(field);
  return value == found.back().fields.end() ? std::string() : value->second;
}

bool CaptureLog::Mentions(std::string_view text) const {
  const auto holds = [&](const std::string& in) { return in.find(text) != std::string::npos; };
  return std::ranges::any_of(events(), [&](const Event& event) {
    return holds(event.name) || std::ranges::any_of(event.fields, [&](const auto& field) {
             return holds(field.first) || holds(field.second);
           });
  });
}

void CaptureLog::Clear() {
  const std::lock_guard lock(mutex_);
  events_.clear();
}

}  // namespace upgate::test
