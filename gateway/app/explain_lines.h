#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "gateway/config/config.h"
#include "gateway/config/scalar.h"

namespace upgate::app {

// Lines of "name  what"; those without a name belong to the one above.
class Lines {
 public:
  template <class... Args>
  void Add(std::string_view name, fmt::format_string<Args...> format, Args&&... args) {
    text_ += fmt::format("{:<13} ", name);
    text_ += fmt::format(format, std::forward<Args>(args)...);
    text_ += '\n';
  }
  void Blank() { text_ += '\n'; }
  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
};

// A duration as configurations have it; `when_zero` stands for none.
inline std::string Duration(config::Millis duration, std::string_view when_zero) {
  return duration.count() == 0 ? std::string(when_zero)
                               : config::Syntax<config::Millis>::Write(duration);
}

}  // namespace upgate::app
