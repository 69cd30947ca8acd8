#pragma once

#include <string_view>

#include "gateway/config/scalar.h"

namespace upgate::config {

template <>
struct Syntax<Template> {
  static constexpr std::string_view kForm = R"(text, in quotes where it has variables: "{client}")";
  static Reading<Template> Read(std::string_view text);
};

}  // namespace upgate::config
