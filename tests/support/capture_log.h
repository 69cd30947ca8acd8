#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/log.h"

namespace upgate::test {

// Records log events, so that tests can check events and fields instead of text. Thread-safe.
class CaptureLog final : public Log {
 public:
  struct Event {
    LogLevel level;
    std::string name;
    std::map<std::string, std::string, std::less<>>
        fields;  // numbers as decimals, booleans as true and false
  };

  explicit CaptureLog(LogLevel level = LogLevel::kDebug) : level_(level) {}

  void Write(LogLevel level, std::string_view event,
             std::initializer_list<LogField> fields) override;
  bool Enabled(LogLevel level) const override { return level >= level_; }

  std::vector<Event> events() const;
  std::vector<Event> Find(std::string_view name) const;
  std::size_t Count(std::string_view name) const { return Find(name).size(); }
  // The value of a field in the last event with this name; empty if there is none.
  std::string Last(std::string_view name, std::string_view field) const;
  // Whether any event name, field name or value contains `text`. Used to prove that a secret is not
  // logged.
  bool Mentions(std::string_view text) const;
  void Clear();

 private:
  const LogLevel level_;
  mutable std::mutex mutex_;
  std::vector<Event> events_;
};

}  // namespace upgate::test
